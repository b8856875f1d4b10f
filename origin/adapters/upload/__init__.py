"""Sources on their way in: in one stream, or resumable; both end in one acknowledgement."""

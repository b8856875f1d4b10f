"""Media as PlayNet stores and describes it: records, boxes, HLS and DASH. Pure."""

-- Drop relayed orders that the stream has long had. $1 age (interval).
delete from purge_order where relayed_at < now() - $1::interval

-- For metrics: purge orders that are not in the stream yet.
select count(*) from purge_order where relayed_at is null

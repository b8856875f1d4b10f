-- For metrics: open tasks by kind and state.
select kind, state, count(*) as depth from task where state in ('waiting', 'queued', 'running') group by kind, state

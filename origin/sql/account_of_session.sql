-- The rights behind a session. $1 account, $2 and $3 issuer and subject of its sign-in, or nulls.
select a.email, a.name, a.roles || coalesce(i.roles, '{}') as roles, a.sessions_since
from account a
left join external_identity i on i.issuer = $2 and i.subject = $3 and i.account_id = a.id
where a.id = $1 and a.disabled_at is null and ($2::text is null or i.account_id is not null)

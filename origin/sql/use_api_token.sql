-- The token and its owner's own roles. $1 id.
select t.sha256, t.scopes, t.name, t.used_at, a.id as account, a.email, a.roles ||
       coalesce((select array_agg(role) from external_identity i, unnest(i.roles) role where i.account_id = a.id), '{}') as roles
from api_token t join account a on a.id = t.account_id
where t.id = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > now()) and a.disabled_at is null

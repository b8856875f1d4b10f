-- The account that a provider's identity belongs to. $1 issuer, $2 subject.
select a.id, a.roles, a.disabled_at, i.roles as given from external_identity i join account a on a.id = i.account_id
where i.issuer = $1 and i.subject = $2

-- Tie an identity to an account. $1 issuer, $2 subject, $3 account, $4 roles by its claims.
insert into external_identity (issuer, subject, account_id, roles) values ($1, $2, $3, $4)

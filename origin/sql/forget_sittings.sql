-- Sessions so old that no beat of theirs is taken any more. $1 age in days, $2 rows at most.
delete from sitting where session in (select session from sitting where born_on < current_date - $1::integer limit $2)

"""PostgreSQL: the pool, migrations, statements kept in `.sql` files, and errors translated."""

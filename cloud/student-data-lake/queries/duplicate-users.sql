-- Users that are there twice: two dumps lie beside each other.
SELECT id, count(*) AS times FROM user_dim GROUP BY id HAVING count(*) > 1

-- Enrolments of users that are not there: a file of the users is missing.
SELECT enrollment_dim.id
FROM enrollment_dim
LEFT JOIN user_dim ON user_dim.id = enrollment_dim.user_id
WHERE user_dim.id IS NULL

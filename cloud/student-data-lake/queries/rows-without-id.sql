-- Rows without a key: columns are displaced.
SELECT 'user_dim' AS name FROM user_dim WHERE id IS NULL
UNION ALL
SELECT 'course_dim' AS name FROM course_dim WHERE id IS NULL
UNION ALL
SELECT 'enrollment_dim' AS name FROM enrollment_dim WHERE id IS NULL

-- Enrolments in courses that are not there: a file of the courses is missing.
SELECT enrollment_dim.id
FROM enrollment_dim
LEFT JOIN course_dim ON course_dim.id = enrollment_dim.course_id
WHERE course_dim.id IS NULL

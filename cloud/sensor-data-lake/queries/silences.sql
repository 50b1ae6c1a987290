-- Where a device sent nothing for more than a minute, by the day on which it spoke again.
SELECT
  day,
  site,
  device_id,
  began,
  ended,
  date_diff('second', began, ended) AS seconds
FROM (
  SELECT
    day,
    site,
    device_id,
    lag(measured_at) OVER (PARTITION BY site, device_id ORDER BY measured_at) AS began,
    measured_at AS ended
  FROM (SELECT DISTINCT day, site, device_id, measured_at FROM readings) AS instants
) AS gaps
WHERE date_diff('second', began, ended) > 60

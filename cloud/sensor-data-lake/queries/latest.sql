-- The last known value of each metric.
SELECT
  max(day) AS day,
  site,
  device_id,
  metric,
  max(measured_at) AS measured_at,
  max_by(value, measured_at) AS value
FROM readings
GROUP BY site, device_id, metric

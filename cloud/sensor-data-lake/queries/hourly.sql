-- Lowest, mean and highest value of each metric in each hour (UTC).
SELECT
  day,
  date_trunc('hour', measured_at) AS hour,
  site,
  device_id,
  metric,
  min(value) AS lowest,
  avg(value) AS mean,
  max(value) AS highest,
  count(*) AS readings
FROM readings
GROUP BY day, date_trunc('hour', measured_at), site, device_id, metric

-- Lowest, mean and highest value of each metric on each day (UTC).
SELECT
  day,
  site,
  device_id,
  metric,
  min(value) AS lowest,
  avg(value) AS mean,
  max(value) AS highest,
  count(*) AS readings
FROM readings
GROUP BY day, site, device_id, metric

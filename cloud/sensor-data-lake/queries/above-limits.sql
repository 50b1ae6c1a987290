-- How many readings of a day were above the limits that devices have by default, 30 °C and 50 %RH.
SELECT
  day,
  site,
  device_id,
  metric,
  count(*) AS readings,
  count(CASE WHEN metric = 'temperature' AND value > 30 OR metric = 'humidity' AND value > 50 THEN 1 END) AS above,
  max(value) AS highest
FROM readings
WHERE metric IN ('temperature', 'humidity')
GROUP BY day, site, device_id, metric

-- Each reading once: of a message that came twice the one that came last. The other queries read this one.
SELECT
  day,
  site,
  device_id,
  measured_at,
  metric,
  max_by(value, received_at) AS value,
  max(received_at) AS received_at
FROM samples
GROUP BY day, site, device_id, measured_at, metric

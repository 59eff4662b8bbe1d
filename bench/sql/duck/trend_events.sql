SELECT (epoch(ts)::INTEGER - 1736121600) // 86400, count(*) FROM {T} WHERE event = 'view_item' GROUP BY 1 ORDER BY 1

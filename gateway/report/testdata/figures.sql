-- The five figures by severity, service and month, computed from what `pagerd report export` writes to facts.json:
--   sqlite3 -separator '|' :memory: < figures.sql
-- It shares nothing with pagerd but the written rules. Columns: kind, name, incidents, open, figure, n, mean, p50, p90,
-- within, targeted.
CREATE TABLE incident AS
SELECT value->>'number' AS number, value->>'severity' AS severity, value->>'service' AS service, value->>'month' AS month,
  CAST(strftime('%s', value->>'impact_at') AS INTEGER) AS impact,
  CAST(strftime('%s', value->>'detected_at') AS INTEGER) AS detected,
  CAST(strftime('%s', value->>'acknowledged_at') AS INTEGER) AS acked,
  CAST(strftime('%s', value->>'triaged_at') AS INTEGER) AS triaged,
  CAST(strftime('%s', value->>'resolved_at') AS INTEGER) AS resolved,
  value->>'$.goals.detect' AS goal_d, value->>'$.goals.acknowledge' AS goal_a,
  value->>'$.goals.investigate' AS goal_i, value->>'$.goals.resolve' AS goal_r
FROM json_each(readfile('facts.json'), '$.incidents')
WHERE NOT coalesce(value->>'drill', 0) AND coalesce(value->>'merged', 0) = 0 AND value->>'status' <> 'dismissed'
  AND value->>'detected_at' IS NOT NULL;

-- one row per incident and kind of group, with the detection before it of the same severity or service, or of any
CREATE TABLE member AS
SELECT 'all' AS kind, 'all' AS name, *, lag(detected) OVER (ORDER BY detected, number) AS earlier FROM incident
UNION ALL SELECT 'severity', severity, *, lag(detected) OVER (PARTITION BY severity ORDER BY detected, number) FROM incident
UNION ALL SELECT 'service', service, *, lag(detected) OVER (PARTITION BY service ORDER BY detected, number) FROM incident
UNION ALL SELECT 'month', month, *, lag(detected) OVER (ORDER BY detected, number) FROM incident;

CREATE TABLE time AS
SELECT kind, name, 'MTTD' AS figure, max(detected - impact, 0) AS s, goal_d AS goal FROM member WHERE detected - impact IS NOT NULL
UNION ALL SELECT kind, name, 'MTTA', max(acked - detected, 0), goal_a FROM member WHERE acked IS NOT NULL
UNION ALL SELECT kind, name, 'MTTI', max(triaged - detected, 0), goal_i FROM member WHERE triaged IS NOT NULL
UNION ALL SELECT kind, name, 'MTTR', max(resolved - detected, 0), goal_r FROM member WHERE resolved IS NOT NULL
UNION ALL SELECT kind, name, 'MTBF', detected - earlier, NULL FROM member WHERE earlier IS NOT NULL;

WITH ranked AS (
  SELECT *, row_number() OVER (PARTITION BY kind, name, figure ORDER BY s) AS rank, count(*) OVER (PARTITION BY kind, name, figure) AS n FROM time
), figures AS (
  SELECT kind, name, figure, n, cast(round(avg(s)) AS INTEGER) AS mean,
    min(s) FILTER (WHERE 2 * rank >= n) AS p50, min(s) FILTER (WHERE 10 * rank >= 9 * n) AS p90,
    count(*) FILTER (WHERE s <= goal) AS within, count(goal) AS targeted
  FROM ranked GROUP BY kind, name, figure
)
SELECT m.kind, m.name, count(*), count(*) FILTER (WHERE resolved IS NULL), f.figure, f.n, f.mean, f.p50, f.p90, f.within, f.targeted
FROM member m JOIN figures f ON f.kind = m.kind AND f.name = m.name
GROUP BY m.kind, m.name, f.figure ORDER BY 1, 2, 5;

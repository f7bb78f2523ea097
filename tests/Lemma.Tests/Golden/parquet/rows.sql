-- Makes rows.parquet and the same rows as rows.jsonl with DuckDB 1.5.6.
CREATE TABLE rows (
  id INTEGER, big BIGINT, score DOUBLE, half FLOAT, ok BOOLEAN, name VARCHAR, raw BLOB,
  messages STRUCT(role VARCHAR, content VARCHAR, calls STRUCT(name VARCHAR, arguments VARCHAR[])[])[],
  pair STRUCT(first VARCHAR, inner_part STRUCT(deep INTEGER[][])));
INSERT INTO rows VALUES
 (1, 10000000000, 0.5, 1.25, true, 'é 🙂', 'x', [{role: 'user', content: 'Hi', calls: NULL}, {role: 'assistant', content: NULL,
   calls: [{name: 'f', arguments: ['a', NULL, 'b']}, {name: 'g', arguments: []}, {name: 'h', arguments: NULL}]}], {first: 'a', inner_part: {deep: [[1, 2], [], NULL, [3]]}}),
 (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (2, 0, -1e300, -0.5, false, '', 'y', [], {first: NULL, inner_part: NULL}),
 (3, -5, 2, 3, true, 'z', 'z', [NULL, {role: 'user', content: '', calls: []}], {first: 'b', inner_part: {deep: NULL}});
INSERT INTO rows SELECT i, i, i / 4, i, i % 2 = 0, 'name ' || (i % 7), 'r', [{role: 'user', content: 'q' || i, calls: NULL}, {role: 'assistant', content: 'a' || i, calls: NULL}],
 {first: 'c', inner_part: {deep: [[i]]}} FROM range(4, 60) t(i);

CREATE TABLE worker_outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue VARCHAR(64) NOT NULL,
    job_type VARCHAR(255) NOT NULL,
    payload TEXT NOT NULL,
    job_id VARCHAR(255),
    delay_ms BIGINT NOT NULL DEFAULT 0,
    at_front BOOLEAN NOT NULL DEFAULT FALSE,
    order_key VARCHAR(255),
    traceparent VARCHAR(255),
    created_at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now')),
    set_aside_at TIMESTAMP,
    reason TEXT
);

CREATE INDEX ix_worker_outbox_waiting ON worker_outbox (queue, id) WHERE set_aside_at IS NULL;

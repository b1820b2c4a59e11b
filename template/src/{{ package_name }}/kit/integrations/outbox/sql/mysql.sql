CREATE TABLE worker_outbox (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    queue VARCHAR(64) NOT NULL,
    job_type VARCHAR(255) NOT NULL,
    payload LONGTEXT NOT NULL,
    job_id VARCHAR(255),
    delay_ms BIGINT NOT NULL DEFAULT 0,
    at_front BOOLEAN NOT NULL DEFAULT FALSE,
    order_key VARCHAR(255),
    traceparent VARCHAR(255),
    created_at DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    set_aside_at DATETIME(6),
    reason TEXT,
    INDEX ix_worker_outbox_waiting (queue, set_aside_at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

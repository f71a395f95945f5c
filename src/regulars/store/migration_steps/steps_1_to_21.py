"""Migration steps 1 to 21."""

from typing import Final

from regulars.store.changed_at_backfill import slice_of_changed_at
from regulars.store.engine import NewIndex
from regulars.store.key_backfill import slice_of_keys
from regulars.store.migration_steps.step import Backfill, Step, on_every_engine
from regulars.store.title_backfill import slice_of_titles

KEYS: Final = 6
"""The step after which addresses, customer_ids and object keys that look the same compare equal."""

STEPS_1_TO_21: Final[tuple[Step, ...]] = (
    Step(number=1, name="tables"),  # part of every new database; a database without them is not ours
    Step(
        number=2,
        name="offer_products",
        statements={
            "sqlite": (
                "CREATE TABLE offer_products (site_id INTEGER NOT NULL, offer BIGINT NOT NULL, "
                "product BIGINT NOT NULL, PRIMARY KEY (site_id, offer, product)) WITHOUT ROWID",
                "CREATE INDEX offer_products_product ON offer_products (site_id, product)",
            ),
            "postgresql": (
                "CREATE TABLE offer_products (site_id INTEGER NOT NULL, offer BIGINT NOT NULL, "
                "product BIGINT NOT NULL, PRIMARY KEY (site_id, offer, product))",
                "CREATE INDEX offer_products_product ON offer_products (site_id, product)",
            ),
            "citus": ("SELECT create_distributed_table('offer_products', 'site_id', colocate_with => 'site_heads')",),
        },
    ),
    Step(number=3, name="rates of keys", statements=on_every_engine("ALTER TABLE keys ADD COLUMN rate INTEGER")),
    Step(
        number=4,
        name="outbox",
        statements={
            "sqlite": (
                "CREATE TABLE outbox (site_id INTEGER NOT NULL, number BIGINT NOT NULL, position INTEGER NOT NULL, "
                "size INTEGER NOT NULL, token BIGINT NOT NULL, previous BIGINT NOT NULL, last INTEGER NOT NULL, "
                '"at" BIGINT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (site_id, number, position)) WITHOUT ROWID',
                "INSERT INTO settings (name, value) VALUES ('epoch', lower(hex(randomblob(16))))",
            ),
            "postgresql": (
                "CREATE TABLE outbox (site_id INTEGER NOT NULL, number BIGINT NOT NULL, position INTEGER NOT NULL, "
                "size INTEGER NOT NULL, token BIGINT NOT NULL, previous BIGINT NOT NULL, last INTEGER NOT NULL, "
                '"at" BIGINT NOT NULL, body BYTEA NOT NULL, PRIMARY KEY (site_id, number, position))',
                "INSERT INTO settings (name, value) VALUES ('epoch', replace(gen_random_uuid()::text, '-', ''))",
            ),
            "citus": ("SELECT create_distributed_table('outbox', 'site_id', colocate_with => 'site_heads')",),
        },
    ),
    Step(
        number=5,
        name="jobs",
        statements={
            **{
                engine: (
                    f"CREATE TABLE jobs (id {number} NOT NULL, kind TEXT NOT NULL, recurring TEXT, site INTEGER, "
                    "state TEXT NOT NULL, arguments TEXT NOT NULL, result TEXT, error TEXT, done BIGINT NOT NULL, "
                    "total BIGINT, attempt INTEGER NOT NULL, attempts INTEGER NOT NULL, due_at BIGINT NOT NULL, "
                    "lease TEXT, leased_until BIGINT, is_cancelled INTEGER NOT NULL, created_at BIGINT NOT NULL, "
                    "started_at BIGINT, finished_at BIGINT, PRIMARY KEY (id), "
                    "CONSTRAINT jobs_recurring UNIQUE (recurring))",
                    "CREATE INDEX jobs_due ON jobs (state, due_at)",
                )
                for engine, number in (("sqlite", "INTEGER"), ("postgresql", "SERIAL"))
            },
            "citus": ("SELECT create_reference_table('jobs')",),
        },
    ),
    Step(number=KEYS, name="keys of addresses, customer_ids and objects", backfill=Backfill(slice_of_keys)),
    Step(
        number=7,
        name="object_titles",
        statements={
            "sqlite": (
                "CREATE TABLE object_titles (site_id INTEGER NOT NULL, kind INTEGER NOT NULL, number BIGINT NOT NULL, "
                "title_key TEXT NOT NULL, PRIMARY KEY (site_id, kind, number)) WITHOUT ROWID",
                "CREATE INDEX object_titles_title ON object_titles (site_id, kind, title_key, number)",
                "CREATE TABLE object_counts (site_id INTEGER NOT NULL, kind INTEGER NOT NULL, count BIGINT NOT NULL, "
                "PRIMARY KEY (site_id, kind)) WITHOUT ROWID",
            ),
            "postgresql": (
                "CREATE TABLE object_titles (site_id INTEGER NOT NULL, kind INTEGER NOT NULL, number BIGINT NOT NULL, "
                'title_key TEXT COLLATE "C" NOT NULL, PRIMARY KEY (site_id, kind, number))',
                "CREATE INDEX object_titles_title ON object_titles (site_id, kind, title_key, number)",
                "CREATE TABLE object_counts (site_id INTEGER NOT NULL, kind INTEGER NOT NULL, count BIGINT NOT NULL, "
                "PRIMARY KEY (site_id, kind))",
            ),
            "citus": (
                "SELECT create_distributed_table('object_titles', 'site_id', colocate_with => 'site_heads')",
                "SELECT create_distributed_table('object_counts', 'site_id', colocate_with => 'site_heads')",
            ),
        },
    ),
    Step(number=8, name="titles_of_objects", backfill=Backfill(slice_of_titles)),
    Step(
        number=9,
        name="what activities lack",
        statements=on_every_engine("ALTER TABLE activities ADD COLUMN lacks INTEGER DEFAULT '0' NOT NULL"),
    ),
    Step(
        number=10,
        name="reports of orders",
        index=NewIndex(
            "activities_orders", "activities (site_id, customer, name, order_id) WHERE order_id IS NOT NULL"
        ),
    ),
    Step(number=11, name="one report of an order", statements=on_every_engine("DROP INDEX activities_order")),
    Step(number=12, name="logs by time", index=NewIndex("logs_created", "logs (site_id, created_at, number)")),
    Step(number=13, name="logs by key", index=NewIndex("logs_key", 'logs (site_id, "key", created_at, number)')),
    Step(
        number=14,
        name="former addresses and tombstones",
        statements={
            "sqlite": (
                "CREATE TABLE former_addresses (site_id INTEGER NOT NULL, email_key TEXT NOT NULL, "
                "customer BIGINT NOT NULL, hard_bouncing INTEGER NOT NULL, hard_at BIGINT, bounced_at BIGINT, "
                "PRIMARY KEY (site_id, email_key, customer)) WITHOUT ROWID",
                "CREATE INDEX former_addresses_customer ON former_addresses (site_id, customer)",
                "CREATE TABLE tombstones (site_id INTEGER NOT NULL, hash BLOB NOT NULL, deleted_at BIGINT NOT NULL, "
                "suppressed_at BIGINT, complained_at BIGINT, PRIMARY KEY (site_id, hash)) WITHOUT ROWID",
            ),
            "postgresql": (
                'CREATE TABLE former_addresses (site_id INTEGER NOT NULL, email_key TEXT COLLATE "C" NOT NULL, '
                "customer BIGINT NOT NULL, hard_bouncing INTEGER NOT NULL, hard_at BIGINT, bounced_at BIGINT, "
                "PRIMARY KEY (site_id, email_key, customer))",
                "CREATE INDEX former_addresses_customer ON former_addresses (site_id, customer)",
                "CREATE TABLE tombstones (site_id INTEGER NOT NULL, hash BYTEA NOT NULL, deleted_at BIGINT NOT NULL, "
                "suppressed_at BIGINT, complained_at BIGINT, PRIMARY KEY (site_id, hash))",
            ),
            "citus": (
                "SELECT create_distributed_table('former_addresses', 'site_id', colocate_with => 'site_heads')",
                "SELECT create_distributed_table('tombstones', 'site_id', colocate_with => 'site_heads')",
            ),
        },
    ),
    Step(
        number=15,
        name="drip campaigns",
        statements={
            **{
                engine: (
                    "CREATE TABLE drip_campaigns (site_id INTEGER NOT NULL, sequence BIGINT NOT NULL, "
                    "enabled INTEGER NOT NULL, trigger_template BIGINT, steps TEXT NOT NULL, "
                    f"PRIMARY KEY (site_id, sequence)){rows}",
                    "CREATE TABLE pending_mails (site_id INTEGER NOT NULL, number BIGINT NOT NULL, "
                    "sequence BIGINT NOT NULL, step INTEGER NOT NULL, customer BIGINT NOT NULL, "
                    "address_key TEXT NOT NULL, recipient_address TEXT NOT NULL, recipient_name TEXT, "
                    "template BIGINT NOT NULL, created_at BIGINT NOT NULL, due_at BIGINT NOT NULL, data TEXT, "
                    "PRIMARY KEY (site_id, number), "
                    f"CONSTRAINT pending_mails_step UNIQUE (site_id, sequence, address_key, step)){rows}",
                    "CREATE INDEX pending_mails_due ON pending_mails (site_id, due_at)",
                    "CREATE INDEX pending_mails_address ON pending_mails (site_id, address_key, due_at)",
                    "CREATE INDEX pending_mails_customer ON pending_mails (site_id, customer, due_at)",
                )
                for engine, rows in (("sqlite", " WITHOUT ROWID"), ("postgresql", ""))
            },
            "citus": (
                "SELECT create_distributed_table('drip_campaigns', 'site_id', colocate_with => 'site_heads')",
                "SELECT create_distributed_table('pending_mails', 'site_id', colocate_with => 'site_heads')",
            ),
        },
    ),
    Step(
        number=16,
        name="anonymous events",
        statements={
            **{
                engine: (
                    f"CREATE TABLE visitors (site_id INTEGER NOT NULL, hash {binary} NOT NULL, "
                    f'customer BIGINT NOT NULL, "at" BIGINT NOT NULL, PRIMARY KEY (site_id, hash)){rows}',
                    "CREATE INDEX visitors_customer ON visitors (site_id, customer, at)",
                    "CREATE INDEX visitors_at ON visitors (site_id, at)",
                    "CREATE TABLE anonymous_events (site_id INTEGER NOT NULL, number BIGINT NOT NULL, "
                    f'cookie {binary}, device_id {binary}, "at" BIGINT NOT NULL, received_at BIGINT NOT NULL, '
                    f"uuid {binary}, lacks INTEGER NOT NULL, body TEXT NOT NULL, "
                    f"PRIMARY KEY (site_id, number)){rows}",
                    "CREATE INDEX anonymous_events_received ON anonymous_events (site_id, received_at)",
                    "CREATE INDEX anonymous_events_cookie ON anonymous_events (site_id, cookie) "
                    "WHERE cookie IS NOT NULL",
                    "CREATE INDEX anonymous_events_device_id ON anonymous_events (site_id, device_id) "
                    "WHERE device_id IS NOT NULL",
                    "CREATE UNIQUE INDEX anonymous_events_uuid ON anonymous_events (site_id, uuid) "
                    "WHERE uuid IS NOT NULL",
                )
                for engine, binary, rows in (("sqlite", "BLOB", " WITHOUT ROWID"), ("postgresql", "BYTEA", ""))
            },
            "citus": (
                "SELECT create_distributed_table('visitors', 'site_id', colocate_with => 'site_heads')",
                "SELECT create_distributed_table('anonymous_events', 'site_id', colocate_with => 'site_heads')",
            ),
        },
    ),
    Step(
        number=17,
        name="settings of sites, strict keys, revenue by currency",
        statements={
            **{
                engine: (
                    "ALTER TABLE sites ADD COLUMN country TEXT",
                    "ALTER TABLE sites ADD COLUMN currency TEXT",
                    "ALTER TABLE sites ADD COLUMN time_zone TEXT",
                    "ALTER TABLE keys ADD COLUMN is_strict INTEGER DEFAULT '0' NOT NULL",
                    "ALTER TABLE former_addresses ADD COLUMN complained_at BIGINT",
                    "CREATE TABLE revenues (site_id INTEGER NOT NULL, customer BIGINT NOT NULL, "
                    f"currency TEXT {collation}NOT NULL, net BIGINT NOT NULL, lifetime BIGINT NOT NULL, "
                    f"is_counted INTEGER NOT NULL, PRIMARY KEY (site_id, customer, currency)){rowid}",
                )
                for engine, collation, rowid in (("sqlite", "", " WITHOUT ROWID"), ("postgresql", 'COLLATE "C" ', ""))
            },
            "citus": ("SELECT create_distributed_table('revenues', 'site_id', colocate_with => 'site_heads')",),
        },
    ),
    Step(
        number=18,
        name="saved audiences",
        statements={
            **{
                engine: (
                    "CREATE TABLE audiences (site_id INTEGER NOT NULL, audience BIGINT NOT NULL, kind TEXT NOT NULL, "
                    "question TEXT, refers TEXT, watched INTEGER NOT NULL, version INTEGER NOT NULL, "
                    f"changed_at BIGINT NOT NULL, PRIMARY KEY (site_id, audience)){rows}",
                    "CREATE INDEX audiences_refers ON audiences (site_id, audience) WHERE refers IS NOT NULL",
                )
                for engine, rows in (("sqlite", " WITHOUT ROWID"), ("postgresql", ""))
            },
            "citus": ("SELECT create_distributed_table('audiences', 'site_id', colocate_with => 'site_heads')",),
        },
    ),
    Step(
        number=19,
        name="moments of changes",
        statements=on_every_engine(
            "ALTER TABLE customers ADD COLUMN changed_at BIGINT",
            "ALTER TABLE site_heads ADD COLUMN moment BIGINT DEFAULT '0' NOT NULL",
        ),
    ),
    Step(number=20, name="moments of earlier changes", backfill=Backfill(slice_of_changed_at)),
    Step(number=21, name="titles with plain apostrophes and dashes", backfill=Backfill(slice_of_titles)),
)

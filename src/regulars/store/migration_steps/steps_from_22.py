"""Migration steps from 22 on. A new step goes to the end."""

from typing import Final

from regulars.store.engine import NewIndex
from regulars.store.migration_steps.step import Backfill, Step, on_every_engine
from regulars.store.title_backfill import slice_of_titles

_FENCE_DELETED: Final = (
    "UPDATE site_heads SET fence = head, fenced_head = head WHERE site_id IN (SELECT site_id FROM deleted_ties)"
)
"""Nobody knows which objects have been created again since step 23, so the whole site gets a fence."""

STEPS_FROM_22: Final[tuple[Step, ...]] = (
    Step(
        number=22,
        name="hard bounces and ended consents of deleted customers",
        statements=on_every_engine(
            "ALTER TABLE tombstones ADD COLUMN hard_at BIGINT",
            "ALTER TABLE tombstones ADD COLUMN cleared_at BIGINT",
            "ALTER TABLE tombstones ADD COLUMN ended_at BIGINT",
        ),
    ),
    Step(
        number=23,
        name="deleted ties",
        statements={
            **{
                engine: (
                    "ALTER TABLE relations ADD COLUMN written BIGINT DEFAULT '0' NOT NULL",
                    "CREATE TABLE deleted_ties (site_id INTEGER NOT NULL, relation INTEGER NOT NULL, "
                    "object BIGINT NOT NULL, change BIGINT NOT NULL, moment BIGINT NOT NULL, "
                    f"PRIMARY KEY (site_id, relation, object, change)){rows}",
                )
                for engine, rows in (("sqlite", " WITHOUT ROWID"), ("postgresql", ""))
            },
            "citus": ("SELECT create_distributed_table('deleted_ties', 'site_id', colocate_with => 'site_heads')",),
        },
    ),
    Step(
        number=24,
        name="fences against servers that do not know deleted ties",
        statements={
            "sqlite": (
                "ALTER TABLE site_heads ADD COLUMN fenced_head BIGINT DEFAULT '0' NOT NULL",
                "ALTER TABLE site_heads ADD COLUMN fence BIGINT DEFAULT '0' NOT NULL "
                "CONSTRAINT site_heads_fence CHECK (fence = 0 OR fenced_head = head)",
                "ALTER TABLE objects ADD COLUMN fence BIGINT DEFAULT '0' NOT NULL "
                "CONSTRAINT objects_fence CHECK (fence = 0 OR deleted_at IS NOT NULL)",
                _FENCE_DELETED,
            ),
            "postgresql": (
                "ALTER TABLE site_heads ADD COLUMN fenced_head BIGINT DEFAULT '0' NOT NULL",
                "ALTER TABLE site_heads ADD COLUMN fence BIGINT DEFAULT '0' NOT NULL",
                "ALTER TABLE site_heads ADD CONSTRAINT site_heads_fence CHECK (fence = 0 OR fenced_head = head)",
                "ALTER TABLE objects ADD COLUMN fence BIGINT DEFAULT '0' NOT NULL",
                "ALTER TABLE objects ADD CONSTRAINT objects_fence CHECK (fence = 0 OR deleted_at IS NOT NULL)",
                _FENCE_DELETED,
            ),
        },
    ),
    Step(
        number=25,
        name="watched audiences and their history",
        statements={
            **{
                engine: (
                    "CREATE INDEX audiences_watched ON audiences (site_id, audience) WHERE watched = 1",
                    "CREATE TABLE audience_watches (site_id INTEGER NOT NULL, audience BIGINT NOT NULL, "
                    "revision BIGINT NOT NULL, seen BIGINT NOT NULL, event BIGINT NOT NULL, as_of BIGINT NOT NULL, "
                    "definition BIGINT NOT NULL, entered_count BIGINT NOT NULL, left_count BIGINT NOT NULL, "
                    f"PRIMARY KEY (site_id, audience)){rows}",
                    "CREATE TABLE audience_members (site_id INTEGER NOT NULL, audience BIGINT NOT NULL, "
                    f"place BIGINT NOT NULL, members {binary} NOT NULL, PRIMARY KEY (site_id, audience, place)){rows}",
                    'CREATE TABLE audience_points (site_id INTEGER NOT NULL, audience BIGINT NOT NULL, "at" BIGINT '
                    "NOT NULL, version INTEGER NOT NULL, matched BIGINT NOT NULL, reachable BIGINT NOT NULL, "
                    f'entered_count BIGINT, left_count BIGINT, PRIMARY KEY (site_id, audience, "at")){rows}',
                    "CREATE INDEX audience_points_at ON audience_points (site_id, at)",
                )
                for engine, binary, rows in (("sqlite", "BLOB", " WITHOUT ROWID"), ("postgresql", "BYTEA", ""))
            },
            "citus": tuple(
                f"SELECT create_distributed_table('{table}', 'site_id', colocate_with => 'site_heads')"
                for table in ("audience_watches", "audience_members", "audience_points")
            ),
        },
    ),
    Step(number=26, name="titles with plain accents as apostrophes", backfill=Backfill(slice_of_titles)),
    Step(
        number=27,
        name="test lists and sources of lists",
        statements=on_every_engine(
            "ALTER TABLE audiences ADD COLUMN is_seed_list INTEGER DEFAULT '0' NOT NULL",
            "ALTER TABLE audiences ADD COLUMN source TEXT",
        ),
    ),
    Step(
        number=28,
        name="imports that can be undone",
        statements={
            **{
                engine: (
                    "CREATE TABLE imports (site_id INTEGER NOT NULL, number BIGINT NOT NULL, kind TEXT NOT NULL, "
                    "file TEXT NOT NULL, origin TEXT NOT NULL, state TEXT NOT NULL, summary TEXT NOT NULL, undo TEXT, "
                    "started_at BIGINT NOT NULL, seen_at BIGINT NOT NULL, finished_at BIGINT, undone_at BIGINT, "
                    f"PRIMARY KEY (site_id, number)){rows}",
                    "CREATE TABLE import_changes (site_id INTEGER NOT NULL, import_number BIGINT NOT NULL, "
                    "customer BIGINT NOT NULL, change BIGINT NOT NULL, moment BIGINT, base BIGINT, "
                    f"created INTEGER NOT NULL, next_consent BIGINT NOT NULL, undone BIGINT, body {binary}, "
                    f"PRIMARY KEY (site_id, import_number, customer, change)){rows}",
                    "CREATE INDEX import_changes_customer ON import_changes (site_id, customer, change) "
                    "WHERE body IS NOT NULL",
                )
                for engine, binary, rows in (("sqlite", "BLOB", " WITHOUT ROWID"), ("postgresql", "BYTEA", ""))
            },
            "citus": tuple(
                f"SELECT create_distributed_table('{table}', 'site_id', colocate_with => 'site_heads')"
                for table in ("imports", "import_changes")
            ),
        },
    ),
    Step(
        number=29,
        name="users of the admin page",
        statements={
            **{
                engine: (
                    f"CREATE TABLE users (id {number} NOT NULL, account_id INTEGER NOT NULL, name TEXT NOT NULL, "
                    "address TEXT, address_key TEXT, password TEXT, role TEXT NOT NULL, created_at BIGINT NOT NULL, "
                    "disabled_at BIGINT, signed_in_at BIGINT, PRIMARY KEY (id), "
                    "CONSTRAINT users_address UNIQUE (address_key))",
                    f"CREATE TABLE user_sessions (hash {binary} NOT NULL, user_id INTEGER NOT NULL, "
                    "created_at BIGINT NOT NULL, used_at BIGINT NOT NULL, confirmed_at BIGINT NOT NULL, "
                    "ends_at BIGINT NOT NULL, agent TEXT, PRIMARY KEY (hash))",
                    "CREATE INDEX user_sessions_user ON user_sessions (user_id)",
                    "CREATE INDEX user_sessions_end ON user_sessions (ends_at)",
                    f"CREATE TABLE user_links (hash {binary} NOT NULL, user_id INTEGER NOT NULL, "
                    "created_at BIGINT NOT NULL, ends_at BIGINT NOT NULL, PRIMARY KEY (hash))",
                    "CREATE INDEX user_links_user ON user_links (user_id)",
                    f"CREATE TABLE sign_in_failures (subject {binary} NOT NULL, failures INTEGER NOT NULL, "
                    "last_at BIGINT NOT NULL, PRIMARY KEY (subject))",
                    "CREATE INDEX sign_in_failures_last ON sign_in_failures (last_at)",
                )
                for engine, number, binary in (("sqlite", "INTEGER", "BLOB"), ("postgresql", "SERIAL", "BYTEA"))
            },
            "citus": tuple(
                f"SELECT create_reference_table('{table}')"
                for table in ("users", "user_sessions", "user_links", "sign_in_failures")
            ),
        },
    ),
    Step(
        number=30,
        name="where changes come from, and changes of profiles",
        statements={
            **{
                engine: (
                    *(
                        f"ALTER TABLE {table} ADD COLUMN {column}"
                        for table in ("activities", "consents")
                        for column in ("received_at BIGINT", "channel INTEGER", "actor BIGINT")
                    ),
                    'CREATE TABLE profile_changes (site_id INTEGER NOT NULL, customer BIGINT NOT NULL, "at" BIGINT '
                    "NOT NULL, position INTEGER NOT NULL, created INTEGER NOT NULL, channel INTEGER, actor BIGINT, "
                    f'body {binary} NOT NULL, PRIMARY KEY (site_id, customer, "at", position)){rows}',
                )
                for engine, binary, rows in (("sqlite", "BLOB", " WITHOUT ROWID"), ("postgresql", "BYTEA", ""))
            },
            "citus": ("SELECT create_distributed_table('profile_changes', 'site_id', colocate_with => 'site_heads')",),
        },
    ),
    Step(number=31, name="consents by time", index=NewIndex("consents_at", "consents (site_id, customer, at)")),
    Step(
        number=32,
        name="audit trail",
        statements={
            **{
                engine: (
                    'CREATE TABLE audit_events (site_id INTEGER NOT NULL, "at" BIGINT NOT NULL, position INTEGER NOT '
                    "NULL, channel INTEGER NOT NULL, actor BIGINT, operation TEXT NOT NULL, request_id TEXT, "
                    f'body {binary} NOT NULL, hash {binary} NOT NULL, PRIMARY KEY (site_id, "at", position)){rows}',
                    f"CREATE TABLE account_audit_events (id {number} NOT NULL, account_id INTEGER NOT NULL, "
                    '"at" BIGINT NOT NULL, channel INTEGER NOT NULL, actor BIGINT, operation TEXT NOT NULL, '
                    f"request_id TEXT, body {binary} NOT NULL, hash {binary} NOT NULL, PRIMARY KEY (id))",
                    "CREATE INDEX account_audit_events_account ON account_audit_events (account_id, at, id)",
                )
                for engine, number, binary, rows in (
                    ("sqlite", "INTEGER", "BLOB", " WITHOUT ROWID"),
                    ("postgresql", "SERIAL", "BYTEA", ""),
                )
            },
            "citus": (
                "SELECT create_distributed_table('audit_events', 'site_id', colocate_with => 'site_heads')",
                "SELECT create_reference_table('account_audit_events')",
            ),
        },
    ),
    Step(
        number=33,
        name="merges of customers",
        statements={
            **{
                engine: (
                    "ALTER TABLE customers ADD COLUMN merged_into BIGINT",
                    "CREATE TABLE merges (site_id INTEGER NOT NULL, number BIGINT NOT NULL, survivor BIGINT NOT NULL, "
                    "gone BIGINT NOT NULL, rule TEXT NOT NULL, merged_at BIGINT NOT NULL, undone_at BIGINT, "
                    f"first_activity BIGINT NOT NULL, first_consent BIGINT NOT NULL, body {binary}, "
                    f"PRIMARY KEY (site_id, number)){rows}",
                    "CREATE INDEX merges_survivor ON merges (site_id, survivor, number)",
                    "CREATE INDEX merges_gone ON merges (site_id, gone, number)",
                    "CREATE TABLE merged_customers (site_id INTEGER NOT NULL, customer BIGINT NOT NULL, "
                    f"number BIGINT NOT NULL, PRIMARY KEY (site_id, customer, number)){rows}",
                )
                for engine, binary, rows in (("sqlite", "BLOB", " WITHOUT ROWID"), ("postgresql", "BYTEA", ""))
            },
            "citus": tuple(
                f"SELECT create_distributed_table('{table}', 'site_id', colocate_with => 'site_heads')"
                for table in ("merges", "merged_customers")
            ),
        },
    ),
    Step(
        number=34,
        name="possible duplicates",
        statements={
            **{
                engine: (
                    "CREATE TABLE duplicates (site_id INTEGER NOT NULL, first BIGINT NOT NULL, second BIGINT NOT NULL, "
                    "score INTEGER NOT NULL, reasons INTEGER NOT NULL, found_at BIGINT NOT NULL, "
                    f"PRIMARY KEY (site_id, first, second)){rows}",
                    "CREATE INDEX duplicates_score ON duplicates (site_id, score, first, second)",
                    "CREATE TABLE duplicate_dismissals (site_id INTEGER NOT NULL, first BIGINT NOT NULL, "
                    "second BIGINT NOT NULL, dismissed_at BIGINT NOT NULL, "
                    f"PRIMARY KEY (site_id, first, second)){rows}",
                )
                for engine, rows in (("sqlite", " WITHOUT ROWID"), ("postgresql", ""))
            },
            "citus": tuple(
                f"SELECT create_distributed_table('{table}', 'site_id', colocate_with => 'site_heads')"
                for table in ("duplicates", "duplicate_dismissals")
            ),
        },
    ),
    Step(
        number=35,
        name="erasures",
        statements={
            **{
                engine: (
                    "ALTER TABLE tombstones ADD COLUMN erased_at BIGINT",
                    "ALTER TABLE tombstones ADD COLUMN ignored BIGINT",
                    'CREATE TABLE erasures (site_id INTEGER NOT NULL, "at" BIGINT NOT NULL, position INTEGER NOT NULL, '
                    "reason TEXT, channel INTEGER NOT NULL, actor BIGINT, customers INTEGER NOT NULL, "
                    f'PRIMARY KEY (site_id, "at", position)){rows}',
                )
                for engine, rows in (("sqlite", " WITHOUT ROWID"), ("postgresql", ""))
            },
            "citus": ("SELECT create_distributed_table('erasures', 'site_id', colocate_with => 'site_heads')",),
        },
    ),
    Step(
        number=36,
        name="evidence of newsletters",
        statements={
            **{
                engine: (
                    "CREATE TABLE newsletter_consents (site_id INTEGER NOT NULL, customer BIGINT NOT NULL, "
                    'number BIGINT NOT NULL, newsletter BIGINT NOT NULL, "at" BIGINT NOT NULL, '
                    "granted INTEGER NOT NULL, cause TEXT, source TEXT NOT NULL, wording TEXT, proof TEXT, "
                    "received_at BIGINT, channel INTEGER, actor BIGINT, "
                    f"PRIMARY KEY (site_id, customer, number)){rows}",
                    "CREATE INDEX newsletter_consents_at ON newsletter_consents (site_id, customer, at)",
                )
                for engine, rows in (("sqlite", " WITHOUT ROWID"), ("postgresql", ""))
            },
            "citus": (
                "SELECT create_distributed_table('newsletter_consents', 'site_id', colocate_with => 'site_heads')",
            ),
        },
    ),
    Step(
        number=37,
        name="notes about customers",
        statements={
            **{
                engine: (
                    "CREATE TABLE notes (site_id INTEGER NOT NULL, number BIGINT NOT NULL, customer BIGINT NOT NULL, "
                    "body TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, channel INTEGER, "
                    f"actor BIGINT, PRIMARY KEY (site_id, number)){rows}",
                    "CREATE INDEX notes_created ON notes (site_id, created_at, number)",
                    "CREATE INDEX notes_updated ON notes (site_id, updated_at, number)",
                    "CREATE INDEX notes_customer ON notes (site_id, customer, created_at, number)",
                )
                for engine, rows in (("sqlite", " WITHOUT ROWID"), ("postgresql", ""))
            },
            "citus": ("SELECT create_distributed_table('notes', 'site_id', colocate_with => 'site_heads')",),
        },
    ),
    Step(
        number=38,
        name="certificates of erasure",
        statements={
            engine: (
                f"ALTER TABLE erasures ADD COLUMN hashes {binary}",
                "ALTER TABLE erasures ADD COLUMN counts TEXT",
                "ALTER TABLE erasures ADD COLUMN cleaned_at BIGINT",
                "ALTER TABLE erasures ADD COLUMN cleaned TEXT",
            )
            for engine, binary in (("sqlite", "BLOB"), ("postgresql", "BYTEA"))
        },
    ),
    Step(
        number=39,
        name="the input of jobs; the label and the expiry of keys",
        statements={
            engine: (
                f"ALTER TABLE jobs ADD COLUMN input {binary}",
                "ALTER TABLE keys ADD COLUMN label TEXT",
                "ALTER TABLE keys ADD COLUMN expires_at BIGINT",
            )
            for engine, binary in (("sqlite", "BLOB"), ("postgresql", "BYTEA"))
        },
    ),
    Step(
        number=40,
        name="requests for consent, and pages of sites",
        statements={
            **{
                engine: (
                    "CREATE TABLE consent_requests (site_id INTEGER NOT NULL, number BIGINT NOT NULL, "
                    'customer BIGINT NOT NULL, newsletter BIGINT NOT NULL, "at" BIGINT NOT NULL, '
                    "expires_at BIGINT NOT NULL, open_until BIGINT, wording TEXT NOT NULL, channel INTEGER NOT NULL, "
                    f"actor BIGINT, confirmed_at BIGINT, PRIMARY KEY (site_id, number)){rows}",
                    "CREATE INDEX consent_requests_at ON consent_requests (site_id, customer, at)",
                    "CREATE INDEX consent_requests_open ON consent_requests (site_id, open_until)",
                    "ALTER TABLE sites ADD COLUMN language TEXT",
                    "ALTER TABLE sites ADD COLUMN accent_color TEXT",
                    "ALTER TABLE sites ADD COLUMN link_key INTEGER NOT NULL DEFAULT '1'",
                    "ALTER TABLE sites ADD COLUMN oldest_link_key INTEGER NOT NULL DEFAULT '1'",
                )
                for engine, rows in (("sqlite", " WITHOUT ROWID"), ("postgresql", ""))
            },
            "citus": ("SELECT create_distributed_table('consent_requests', 'site_id', colocate_with => 'site_heads')",),
        },
    ),
    Step(
        number=41,
        name="sales and forms by time",
        index=NewIndex(
            "activities_listed",
            "activities (site_id, at, number, name, customer, order_id) "
            "WHERE name IN ('purchase', 'refund', 'form_submitted')",
        ),
    ),
    Step(
        number=42,
        name="events that were ignored as their customer was forgotten",
        statements=on_every_engine("ALTER TABLE customers ADD COLUMN ignored_events BIGINT"),
    ),
    Step(
        number=43,
        name="requests for consent that were never confirmed",
        index=NewIndex(
            "consent_requests_unconfirmed",
            "consent_requests (site_id, customer, at, open_until) WHERE confirmed_at IS NULL",
        ),
    ),
    Step(
        number=44,
        name="submissions of forms by time",
        index=NewIndex(
            "activities_submissions", "activities (site_id, at, number, customer) WHERE name = 'form_submitted'"
        ),
    ),
)

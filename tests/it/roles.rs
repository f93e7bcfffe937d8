//! Two roles on PostgreSQL: one that owns, and the hub's, which only appends.

use std::{
    fs,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    cluster::{self, psql},
    harness::{Folder, Hub},
    lienthong::{root, stderr, stdout},
    permutations::{AGENCY, dossier, send_all},
};

/// The statements of the document, for roles and a database of this test.
fn documented(part: usize, name: &str, secret: &str) -> String {
    let document = fs::read_to_string(root().join("docs/operating.md")).unwrap();
    let (_, section) = document.split_once("## A role that owns").unwrap();
    let sql = section.split("```sql\n").nth(part + 1).unwrap();
    let (sql, _) = sql.split_once("```").unwrap();
    sql.replace("lienthong_owner", &format!("owner_{name}"))
        .replace("lienthong_hub", &format!("hub_{name}"))
        .replace("DATABASE province", &format!("DATABASE {name}"))
        .replace("OWNER_SECRET", secret)
        .replace("HUB_SECRET", secret)
}

/// A database with an owner and a hub's role, made as the document says.
struct Roles {
    folder: Folder,
    owner: String,
    superuser: String,
}

fn installed() -> Roles {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("roles_{}_{count}", std::process::id());
    // Any database of the server tells its address and its one password.
    let other = cluster::database("roles");
    let (server, _) = other.rsplit_once('/').unwrap();
    let secret = server.split([':', '@']).nth(2).unwrap();
    let of = |role: &str| server.replacen("//lienthong:", &format!("//{role}:"), 1);
    for statement in documented(0, &name, secret).split_inclusive(";\n") {
        psql(&format!("{}/postgres", of("postgres")), statement);
    }
    let owner = format!("{}/{name}", of(&format!("owner_{name}")));
    let hub = format!("{}/{name}", of(&format!("hub_{name}")));
    let folder = Folder::new("roles").with_store(hub);
    let file = folder.path().join("owner.txt");
    fs::write(&file, format!("{owner}\n")).unwrap();
    let told = folder.run(&["migrate", "--store", &format!("@{}", file.display())]);
    assert_eq!(told.status.code(), Some(0), "{}", stderr(&told));
    psql(&owner, &documented(1, &name, secret));
    let superuser = format!("{}/{name}", of("postgres"));
    Roles { folder, owner, superuser }
}

fn refused(address: &str, sql: &str) -> String {
    let output = Command::new("psql").args(["-qAt", "-d", address, "-c", sql]).output().unwrap();
    assert!(!output.status.success(), "{sql} is not refused");
    stderr(&output)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hub_s_role_does_all_that_a_hub_does_and_cannot_alter_history() {
    let Roles { folder, owner, superuser } = installed();
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    send_all(&sender, (0..20).flat_map(|one| dossier(31, one)).collect(), 4).await;
    sender.push("ubnd-bien-hoa.ho-so", Some("m-0-0"), b"{}").await.unwrap();
    let (id, _) = key.trim_start_matches("ltk_").split_once('_').unwrap();
    assert_eq!(folder.run(&["key", "revoke", id]).status.code(), Some(0));
    hub.stop();
    let before = folder.verify();
    let rebuilt = folder.run(&["rebuild"]);
    assert_eq!(rebuilt.status.code(), Some(0), "{}", stderr(&rebuilt));
    assert_eq!(folder.verify(), before);
    let address = folder.address();
    for sql in [
        "UPDATE lienthong.entries SET public = ''",
        "DELETE FROM lienthong.entries",
        "TRUNCATE lienthong.entries",
        "DELETE FROM lienthong.entries_00000",
        "DROP TABLE lienthong.entries",
        "ALTER TABLE lienthong.entries DISABLE TRIGGER ALL",
        "UPDATE lienthong.messages SET dedup = ''",
        "DELETE FROM lienthong.messages",
        "DELETE FROM lienthong.message_keys",
        "DELETE FROM lienthong.payloads",
        "TRUNCATE lienthong.payloads_000000",
        "UPDATE lienthong.personal SET text = ''",
        "DELETE FROM lienthong.personal",
        "UPDATE lienthong.head SET log_id = 'other'",
        "UPDATE lienthong.head SET dedup_key = ''",
        "UPDATE lienthong.head SET leaving = NULL",
        "UPDATE lienthong.migrations SET hash = ''",
        "UPDATE lienthong.schema SET version = 1",
        "CREATE TABLE lienthong.own (one integer)",
        "CREATE OR REPLACE FUNCTION lienthong.never_altered() RETURNS trigger
             LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    ] {
        let told = refused(address, sql);
        let known = ["permission denied", "must be owner"].iter().any(|text| told.contains(text));
        assert!(known, "{sql}: {told}");
    }
    // Whatever a hub writes it may write: these tables alone are the owner's.
    let sql = "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables
               WHERE schemaname = 'lienthong' AND tablename !~ '_([0-9]{5,}|rest)$' AND NOT
                   has_any_column_privilege(schemaname || '.' || tablename, 'INSERT, UPDATE')";
    assert_eq!(psql(address, sql), "erased migrations schema");
    // What a role has not, it cannot give: a warning, and nothing is granted.
    let grant = "GRANT DELETE ON lienthong.entries TO PUBLIC";
    let output = Command::new("psql").args(["-qAt", "-d", address, "-c", grant]).output().unwrap();
    assert!(!output.status.success() || stderr(&output).contains("no privileges were granted"));
    let sql = "SELECT has_table_privilege('lienthong.entries', 'DELETE')";
    assert_eq!(psql(address, sql), "f");
    // Partitions are added by a function of the owner's.
    psql(address, "SELECT lienthong.add_partitions(9000000, 200000)");
    let sql = "SELECT tableowner <> current_user FROM pg_tables WHERE tablename = 'entries_00003'";
    assert_eq!(psql(address, sql), "t");
    let pruned = folder.run(&["prune", "--older-than", "0d"]);
    assert!(stderr(&pruned).contains("permission denied"), "{}", stderr(&pruned));
    let file = format!("@{}", folder.path().join("owner.txt").display());
    let pruned = folder.run(&["prune", "--older-than", "0d", "--store", &file]);
    assert_eq!(pruned.status.code(), Some(0), "{}", stderr(&pruned));
    assert!(stdout(&folder.run(&["verify"])).contains("pruned     the raw bytes of"));
    // Not even the owner alters an entry, as long as nobody drops the triggers.
    let told = refused(&superuser, "DELETE FROM lienthong.entries");
    assert!(told.contains("never altered"), "{told}");
    let told = refused(&owner, "UPDATE lienthong.entries SET public = ''");
    assert!(told.contains("permission denied") || told.contains("never altered"), "{told}");
}

#[test]
fn a_hub_s_role_that_has_no_schema_yet_is_told_so() {
    let other = cluster::database("roles_empty");
    let (server, _) = other.rsplit_once('/').unwrap();
    let name = format!("bare_{}", std::process::id());
    let secret = server.split([':', '@']).nth(2).unwrap();
    let superuser = other.replacen("//lienthong:", "//postgres:", 1);
    psql(&superuser, &format!("CREATE ROLE {name} LOGIN PASSWORD '{secret}'"));
    let address = other.replacen("//lienthong:", &format!("//{name}:"), 1);
    let folder = Folder::new("roles-bare").with_store(address);
    let output = folder.run(&["verify"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("permission denied"), "{}", stderr(&output));
}

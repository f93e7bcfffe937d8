//! The two stores: whatever a test of the foundations says must hold on both.

use crate::{cluster, harness::Folder};

/// Where a hub keeps its truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// The folder of a hub of all agencies.
    pub(crate) fn folder(self, name: &str) -> Folder {
        self.holds(Folder::new(&format!("{name}-{}", self.name())), name)
    }

    /// The folder of a hub of the agencies in the given folders of the repository.
    pub(crate) fn folder_of(self, name: &str, sources: &[&str]) -> Folder {
        self.holds(Folder::of(&format!("{name}-{}", self.name()), sources), name)
    }

    fn holds(self, folder: Folder, name: &str) -> Folder {
        match self {
            Self::Sqlite => folder,
            Self::Postgres => folder.with_store(cluster::database(name)),
        }
    }
}

/// Makes tests of bodies that take the store: `NAME::on_sqlite` and `NAME::on_postgres`.
macro_rules! on_each_store {
    ($($body:ident),+ $(,)?) => {$(
        mod $body {
            use crate::backend::Backend;

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn on_sqlite() {
                super::$body(Backend::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn on_postgres() {
                super::$body(Backend::Postgres).await;
            }
        }
    )+};
}

pub(crate) use on_each_store;

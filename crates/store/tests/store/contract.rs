//! The contract of `ports::Store` on both engines: every promise is a test, on a database of its own.
//!
//! PostgreSQL is tested where GREENROOM_TEST_POSTGRES names a throw-away server (`cargo xtask test` starts one).

macro_rules! on_sqlite {
    ($module:ident $promise:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $promise() {
            let database = crate::common::SqliteDatabase::new();
            testkit::store_contract::$module::$promise(database.open().await).await;
        }
    };
}

macro_rules! on_postgres {
    ($module:ident $promise:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $promise() {
            let Some(database) = crate::common::PostgresSchema::new().await else { return };
            testkit::store_contract::$module::$promise(database.open().await).await;
            database.remove().await;
        }
    };
}

mod sqlite {
    testkit::every_promise!(on_sqlite);
}

mod postgres {
    testkit::every_promise!(on_postgres);
}

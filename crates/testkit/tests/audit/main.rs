//! The audit chain: every way to falsify it is done with raw SQL, found and named; sealers race and die; checkpoints leave the database.
//! Everything runs on SQLite, and on PostgreSQL where GREENROOM_TEST_POSTGRES names a server.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

mod accepting;
mod attacks;
mod bench;
mod checkpoints;
mod drill;
mod random;
mod retiring;
mod sealing;

/// Makes a test of each function for both engines.
#[macro_export]
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                super::$name($crate::bench::Bench::sqlite(concat!(module_path!(), "_", stringify!($name))).await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let Some(bench) = $crate::bench::Bench::postgres(concat!(module_path!(), "_", stringify!($name))).await else { return };
                super::$name(bench).await;
            })+
        }
    };
}

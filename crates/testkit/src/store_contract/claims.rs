//! Time: a holder's five minutes belong to one interview at most.

use std::sync::Arc;

use domain::{TimeRange, claims::Claim};
use ports::{Change, Conflict, Store, change::ClaimStep, store::CommitError};

use super::fixtures::{at, claim, holder, id, range, taking};

/// The number of the cell that begins `minutes` after the beginning.
pub fn cell(minutes: i64) -> i64 {
    at(minutes).as_second() / 300
}

/// The conflict that names interview `by`.
pub fn claimed(person: u128, minutes: i64, by: u128) -> Result<(), CommitError> {
    let by = id::<domain::interviews::Interview>(by).to_string();
    Err(CommitError::Conflict(Conflict::Claimed { holder: holder(person).as_str().to_owned(), cell: cell(minutes), by }))
}

/// Overlaps clash in the first common cell; touching, other holders and the interview itself do not.
pub async fn a_cell_has_one_interview(store: Arc<dyn Store>) {
    store.commit(taking(at(0), [claim(1, 1, 1, range(60, 90))])).await.unwrap();
    store.commit(taking(at(0), [claim(1, 1, 1, range(60, 90))])).await.unwrap();
    assert_eq!(store.commit(taking(at(0), [claim(1, 2, 1, range(75, 120))])).await, claimed(1, 75, 1));
    assert_eq!(store.commit(taking(at(0), [claim(1, 2, 1, range(30, 65))])).await, claimed(1, 60, 1));
    assert_eq!(store.commit(taking(at(0), [claim(1, 2, 1, range(0, 300))])).await, claimed(1, 60, 1));
    store.commit(taking(at(0), [claim(1, 2, 1, range(90, 120)), claim(2, 2, 1, range(60, 90))])).await.unwrap();
    // Both holders or none.
    assert_eq!(store.commit(taking(at(0), [claim(3, 3, 1, range(0, 30)), claim(1, 3, 1, range(80, 85))])).await, claimed(1, 80, 1));
    store.commit(taking(at(0), [claim(3, 4, 1, range(0, 30))])).await.unwrap();
}

/// A range that begins or ends inside a cell holds the cell.
pub async fn a_part_of_a_cell_is_the_whole_cell(store: Arc<dyn Store>) {
    store.commit(taking(at(0), [claim(1, 1, 1, range(62, 68))])).await.unwrap();
    assert_eq!(store.commit(taking(at(0), [claim(1, 2, 1, range(55, 61))])).await, claimed(1, 60, 1));
    assert_eq!(store.commit(taking(at(0), [claim(1, 2, 1, range(69, 80))])).await, claimed(1, 65, 1));
    store.commit(taking(at(0), [claim(1, 2, 1, range(55, 60)), claim(1, 2, 1, range(70, 80))])).await.unwrap();
    let micro = |minutes, micros: i64| at(minutes).checked_add(jiff::SignedDuration::from_micros(micros)).unwrap();
    let barely = Claim { range: TimeRange::new(at(100), micro(105, 1)).unwrap(), ..claim(1, 3, 1, range(0, 5)) };
    store.commit(taking(at(0), [barely])).await.unwrap();
    assert_eq!(store.commit(taking(at(0), [claim(1, 4, 1, range(105, 110))])).await, claimed(1, 105, 3));
}

/// A hold ends by the time of the change that wants its cells, to the microsecond.
pub async fn an_expired_hold_is_free(store: Arc<dyn Store>) {
    let hold = Claim { expires_at: Some(at(10)), ..claim(1, 1, 1, range(60, 90)) };
    store.commit(taking(at(0), [hold.clone()])).await.unwrap();
    assert_eq!(store.commit(taking(at(9), [claim(1, 2, 1, range(60, 90))])).await, claimed(1, 60, 1));
    store.commit(taking(at(10), [claim(1, 2, 1, range(60, 90))])).await.unwrap();
    assert_eq!(store.commit(taking(at(11), [hold])).await, claimed(1, 60, 2));
}

/// A later revision of the same interview keeps only its own cells of that holder.
pub async fn a_move_releases_what_it_left(store: Arc<dyn Store>) {
    store.commit(taking(at(0), [claim(1, 1, 1, range(60, 90)), claim(2, 1, 1, range(60, 90))])).await.unwrap();
    store.commit(taking(at(0), [claim(1, 1, 2, range(75, 105))])).await.unwrap();
    store.commit(taking(at(0), [claim(1, 2, 1, range(60, 75))])).await.unwrap();
    assert_eq!(store.commit(taking(at(0), [claim(1, 3, 1, range(75, 80))])).await, claimed(1, 75, 1));
    assert_eq!(store.commit(taking(at(0), [claim(1, 3, 1, range(100, 110))])).await, claimed(1, 100, 1));
    assert_eq!(
        store.commit(taking(at(0), [claim(2, 3, 1, range(60, 65))])).await,
        claimed(2, 60, 1),
        "the other holder did not move"
    );
}

/// All holders at once, also where the cells change hands within the change.
pub async fn a_cancellation_releases_everything(store: Arc<dyn Store>) {
    store.commit(taking(at(0), [claim(1, 1, 1, range(60, 90)), claim(2, 1, 1, range(60, 90))])).await.unwrap();
    let swap =
        Change { claims: vec![ClaimStep::Take(claim(1, 2, 1, range(60, 90))), ClaimStep::ReleaseAll(id(1))], ..Change::at(at(0)) };
    store.commit(swap).await.unwrap();
    store.commit(taking(at(0), [claim(2, 3, 1, range(60, 90))])).await.unwrap();
    assert_eq!(store.commit(taking(at(0), [claim(1, 3, 1, range(60, 90))])).await, claimed(1, 60, 2));
}

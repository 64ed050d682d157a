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

/// Claims that end by themselves are listed, whole and by interview, until they end; bookings are not.
pub async fn held_time_is_seen_until_it_ends(store: Arc<dyn Store>) {
    let hold = |interview, range, end| Claim { expires_at: Some(at(end)), ..claim(1, interview, 1, range) };
    store.commit(taking(at(0), [claim(1, 1, 1, range(0, 30))])).await.unwrap();
    store.commit(taking(at(0), [hold(3, range(120, 150), 20), hold(2, range(60, 90), 10)])).await.unwrap();
    let listed = async |now| store.held_time(&holder(1), range(0, 300), at(now)).await.unwrap();
    assert_eq!(listed(0).await, [(id(2), range(60, 90)), (id(3), range(120, 150))]);
    assert_eq!(listed(10).await, [(id(3), range(120, 150))]);
    assert_eq!(listed(20).await, []);
    assert_eq!(store.held_time(&holder(1), range(0, 75), at(0)).await.unwrap(), [(id(2), range(60, 75))], "within the window");
    assert_eq!(store.held_time(&holder(2), range(0, 300), at(0)).await.unwrap(), []);
}

/// A hold keeps others off, and its own interview takes it for good; once it has ended, whoever comes first has it.
pub async fn a_hold_becomes_a_booking(store: Arc<dyn Store>) {
    let hold = |interview, end| Claim { expires_at: Some(at(end)), ..claim(1, interview, 1, range(60, 90)) };
    store.commit(taking(at(0), [hold(1, 10)])).await.unwrap();
    assert_eq!(store.commit(taking(at(9), [claim(1, 2, 1, range(60, 90))])).await, claimed(1, 60, 1));
    store.commit(taking(at(9), [claim(1, 1, 1, range(60, 90))])).await.unwrap();
    assert_eq!(store.commit(taking(at(60), [claim(1, 2, 1, range(60, 90))])).await, claimed(1, 60, 1), "it no longer ends");
    assert_eq!(store.held_time(&holder(1), range(0, 300), at(9)).await.unwrap(), []);
}

/// The old time stays until it is given back by name.
pub async fn a_move_may_keep_what_it_had(store: Arc<dyn Store>) {
    store.commit(taking(at(0), [claim(1, 1, 1, range(60, 90)), claim(2, 1, 1, range(60, 90))])).await.unwrap();
    let steps = [1, 2].map(|person| ClaimStep::TakeBeside(claim(person, 1, 2, range(75, 105))));
    store.commit(Change { claims: steps.to_vec(), ..Change::at(at(0)) }).await.unwrap();
    for minutes in [60, 75, 90] {
        let wanted = taking(at(0), [claim(1, 2, 1, range(minutes, minutes + 15))]);
        assert_eq!(store.commit(wanted).await, claimed(1, minutes, 1));
    }
    let narrow = ClaimStep::Narrow(id(1), range(75, 105));
    store.commit(Change { claims: vec![narrow], ..Change::at(at(0)) }).await.unwrap();
    store.commit(taking(at(0), [claim(1, 2, 1, range(60, 75)), claim(2, 2, 1, range(60, 75))])).await.unwrap();
    assert_eq!(store.commit(taking(at(0), [claim(1, 3, 1, range(75, 80))])).await, claimed(1, 75, 1));
    assert_eq!(store.commit(taking(at(0), [claim(2, 3, 1, range(100, 105))])).await, claimed(2, 100, 1));
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

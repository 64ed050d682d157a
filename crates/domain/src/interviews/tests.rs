use uuid::Uuid;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn range(start: i64) -> TimeRange {
    TimeRange::new(at(start), at(start + 3_600)).unwrap()
}

fn new(provisional: bool) -> (Interview, Vec<Effect>) {
    Interview::new(NewInterview {
        id: Id::new(Uuid::from_u128(1)),
        vacancy: Id::new(Uuid::from_u128(2)),
        candidacy: Id::new(Uuid::from_u128(3)),
        round: 1,
        manager: Id::new(Uuid::from_u128(4)),
        interviewers: Vec::new(),
        candidate: Id::new(Uuid::from_u128(5)),
        range: range(36_000),
        zone: Zone::new("Europe/Madrid").unwrap(),
        provisional,
        at: at(0),
    })
}

fn event(start: i64) -> EventRef {
    EventRef {
        calendar: "cal".into(),
        uid: "u@zoho.com".into(),
        etag: "1".into(),
        written: range(start),
        url: None,
        meeting_url: None,
    }
}

fn booked() -> Interview {
    decide(&new(false).0, Command::Written { intent_rev: 1, event: event(36_000) }, at(1)).unwrap().0
}

#[test]
fn nobody_is_told_before_the_calendar_has_it() {
    let (interview, effects) = new(false);
    assert_eq!(effects, [Effect::Claim, Effect::Settle]);
    let (interview, effects) = decide(&interview, Command::Written { intent_rev: 1, event: event(36_000) }, at(1)).unwrap();
    assert_eq!(interview.state, InterviewState::Booked);
    assert_eq!(effects, [Effect::TellManager(Notice::Booked), Effect::TellCandidate(Notice::Booked), Effect::Schedule]);
}

#[test]
fn a_write_of_an_older_intent_tells_nobody_and_settles_again() {
    let (moved, _) = decide(&new(false).0, Command::Move { range: range(72_000), by: By::Recruiter }, at(1)).unwrap();
    let (late, effects) = decide(&moved, Command::Written { intent_rev: 1, event: event(36_000) }, at(2)).unwrap();
    assert_eq!(late.state, InterviewState::Booking);
    assert_eq!(effects, [Effect::Settle]);
    let (now, effects) = decide(&late, Command::Written { intent_rev: 2, event: event(72_000) }, at(3)).unwrap();
    assert!(now.is_settled());
    assert!(effects.contains(&Effect::TellCandidate(Notice::Booked)), "the first thing the candidate hears is the time that holds");
}

#[test]
fn a_move_after_the_invitation_is_told_as_a_move_with_a_higher_sequence() {
    let (moved, effects) = decide(&booked(), Command::Move { range: range(72_000), by: By::Manager }, at(2)).unwrap();
    assert_eq!((moved.state, moved.sequence, moved.intent_rev), (InterviewState::Booking, 1, 2));
    assert_eq!(effects, [Effect::ClaimBeside, Effect::Settle], "the old time is kept until the calendar has the new one");
    let (_, effects) = decide(&moved, Command::Written { intent_rev: 2, event: event(72_000) }, at(3)).unwrap();
    assert_eq!(effects[0], Effect::Narrow);
    assert!(effects.contains(&Effect::TellCandidate(Notice::Moved)));
}

#[test]
fn a_cancelled_interview_whose_create_was_in_flight_is_settled_away() {
    let (gone, effects) = decide(&new(false).0, Command::Cancel { by: By::Recruiter, why: String::new() }, at(1)).unwrap();
    assert_eq!(effects, [Effect::Release, Effect::Settle], "nobody was invited, so nobody is told");
    let (late, effects) = decide(&gone, Command::Written { intent_rev: 1, event: event(36_000) }, at(2)).unwrap();
    assert_eq!(late.state, InterviewState::Cancelled);
    assert_eq!(effects, [Effect::Settle], "the event that came late must go");
}

#[test]
fn cancelling_twice_is_once() {
    let cancel = || Command::Cancel { by: By::Recruiter, why: "filled".into() };
    let (gone, effects) = decide(&booked(), cancel(), at(2)).unwrap();
    assert!(effects.contains(&Effect::TellCandidate(Notice::Cancelled)));
    assert_eq!(decide(&gone, cancel(), at(3)).unwrap().1, []);
    assert_eq!(decide(&gone, Command::Move { range: range(0), by: By::Recruiter }, at(3)), Err(Refused::Cancelled));
}

#[test]
fn a_provisional_time_reaches_the_candidate_only_when_accepted_or_confirmed() {
    let (proposed, effects) = new(true);
    assert_eq!(effects, [Effect::Claim, Effect::Propose]);
    assert!(!proposed.wants_event());
    let (accepted, effects) = decide(&proposed, Command::AcceptProvisional, at(1)).unwrap();
    assert!(accepted.provisional && accepted.state == InterviewState::Booked);
    assert!(effects.contains(&Effect::TellCandidate(Notice::Booked)));
    let (confirmed, effects) = decide(&proposed, Command::ConfirmProvisional, at(1)).unwrap();
    assert_eq!((confirmed.state, confirmed.provisional), (InterviewState::Booking, false));
    assert_eq!(effects, [Effect::Settle]);
    assert_eq!(decide(&confirmed, Command::ConfirmProvisional, at(2)), Err(Refused::NotProvisional));
}

#[test]
fn an_accepted_provisional_interview_is_written_later_without_telling_twice() {
    let (accepted, _) = decide(&new(true).0, Command::AcceptProvisional, at(1)).unwrap();
    let (confirmed, effects) = decide(&accepted, Command::ConfirmProvisional, at(2)).unwrap();
    assert_eq!((confirmed.state, effects.as_slice()), (InterviewState::Booked, [Effect::Settle].as_slice()));
    let (written, effects) = decide(&confirmed, Command::Written { intent_rev: 2, event: event(36_000) }, at(3)).unwrap();
    assert!(written.is_settled());
    assert_eq!(effects, []);
}

#[test]
fn an_alarm_is_raised_once_and_resolved_by_a_person() {
    let (alarm, effects) = decide(&booked(), Command::Alarm(AttentionReason::CandidateCannot), at(2)).unwrap();
    assert_eq!(effects, [Effect::Alert(AttentionReason::CandidateCannot)]);
    assert_eq!(decide(&alarm, Command::Alarm(AttentionReason::CandidateCannot), at(3)).unwrap().1, []);
    let (kept, effects) = decide(&alarm, Command::Resolve, at(4)).unwrap();
    assert_eq!((kept.state, effects.as_slice()), (InterviewState::Booked, [].as_slice()));
}

#[test]
fn a_deleted_event_that_a_person_keeps_is_written_again() {
    let (alarm, _) = decide(&booked(), Command::Alarm(AttentionReason::EventDeleted), at(2)).unwrap();
    let (kept, effects) = decide(&alarm, Command::Resolve, at(3)).unwrap();
    assert_eq!((kept.state, effects.as_slice()), (InterviewState::Booked, [Effect::Settle].as_slice()));
    let (written, effects) = decide(&kept, Command::Written { intent_rev: 2, event: event(36_000) }, at(4)).unwrap();
    assert_eq!((written.is_settled(), effects), (true, vec![]), "nobody is told twice");
}

#[test]
fn a_write_while_a_person_is_asked_is_told_all_the_same() {
    let (moved, _) = decide(&booked(), Command::Move { range: range(72_000), by: By::Recruiter }, at(2)).unwrap();
    let (alarm, _) = decide(&moved, Command::Alarm(AttentionReason::Clash), at(3)).unwrap();
    let (written, effects) = decide(&alarm, Command::Written { intent_rev: 2, event: event(72_000) }, at(4)).unwrap();
    assert_eq!(written.state, InterviewState::Attention);
    assert!(effects.contains(&Effect::TellCandidate(Notice::Moved)) && effects.contains(&Effect::Schedule));
}

#[test]
fn moving_an_interview_that_was_accepted_by_mail_tells_both() {
    let (accepted, _) = decide(&new(true).0, Command::AcceptProvisional, at(1)).unwrap();
    let (moved, effects) = decide(&accepted, Command::Move { range: range(72_000), by: By::Recruiter }, at(2)).unwrap();
    assert_eq!(moved.state, InterviewState::Booked);
    assert!(effects.contains(&Effect::TellCandidate(Notice::Moved)));
}

#[test]
fn an_event_moved_onto_another_interview_is_mended_by_a_person() {
    let (alarm, _) = decide(&booked(), Command::ClashByHand { event: event(72_000) }, at(2)).unwrap();
    assert_eq!((alarm.state, alarm.range), (InterviewState::Attention, range(36_000)));
    let (kept, effects) = decide(&alarm, Command::Resolve, at(3)).unwrap();
    assert_eq!(
        (kept.state, effects.as_slice()),
        (InterviewState::Booking, [Effect::Settle].as_slice()),
        "written back to our time"
    );
}

#[test]
fn feedback_is_asked_for_after_the_end_and_not_before() {
    assert_eq!(decide(&booked(), Command::Finish, at(36_000)), Err(Refused::NotYet));
    assert_eq!(decide(&booked(), Command::FeedbackGiven, at(36_000)), Err(Refused::NotYet));
    let (done, effects) = decide(&booked(), Command::Finish, at(39_600)).unwrap();
    assert_eq!(effects, [Effect::AskFeedback]);
    let (given, _) = decide(&done, Command::FeedbackGiven, at(39_700)).unwrap();
    let (closed, _) = decide(&given, Command::CloseFeedback, at(39_800)).unwrap();
    assert_eq!(decide(&closed, Command::FeedbackGiven, at(39_900)), Err(Refused::FeedbackClosed));
    assert_eq!(decide(&given, Command::FeedbackWithdrawn, at(39_900)).unwrap().0.feedback, FeedbackState::Requested);
}

#[test]
fn a_no_show_is_possible_from_the_start_and_stops_asking_for_feedback() {
    assert_eq!(decide(&booked(), Command::NoShow, at(35_999)), Err(Refused::NotYet));
    let (done, _) = decide(&booked(), Command::Finish, at(39_600)).unwrap();
    let (absent, _) = decide(&done, Command::NoShow, at(39_700)).unwrap();
    assert_eq!((absent.state, absent.feedback), (InterviewState::NoShow, FeedbackState::NotDue));
}

#[test]
fn the_managers_own_move_is_a_fact() {
    let (moved, effects) = decide(&booked(), Command::MovedByHand { event: event(72_000) }, at(2)).unwrap();
    assert_eq!((moved.range, moved.is_settled()), (range(72_000), true));
    assert_eq!(effects, [Effect::Claim, Effect::TellCandidate(Notice::Moved), Effect::Schedule]);
}

#[test]
fn what_is_over_in_the_calendar_ends_the_question_and_keeps_the_event() {
    for reason in [AttentionReason::Clash, AttentionReason::EventDeleted] {
        let (alarm, _) = decide(&booked(), Command::Alarm(reason), at(2)).unwrap();
        let (other, effects) = decide(&alarm, Command::Mended(AttentionReason::NoTime), at(3)).unwrap();
        assert_eq!((other.state, effects), (InterviewState::Attention, vec![]), "another question stays");
        let (mended, effects) = decide(&alarm, Command::Mended(reason), at(3)).unwrap();
        assert_eq!((mended.state, mended.attention, effects), (InterviewState::Booked, None, vec![]));
        assert_eq!(mended.event, booked().event);
    }
}

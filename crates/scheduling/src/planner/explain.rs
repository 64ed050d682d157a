//! Why a meeting has these people, and why it is not earlier.

use super::{
    errors::ProblemError,
    insert::{fits_placed, seat},
    model::Model,
    plan::Plan,
    problem::Problem,
    state::{Placed, State},
    why::starts_of_people,
};

/// Why a meeting is as it is, judged with all others as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingReasons {
    /// For each group, how each of its members stands, in their order.
    pub groups: Vec<Vec<(usize, Standing)>>,
    /// What is in the way of each earlier start.
    pub earlier: EarlierStarts,
}

/// How a member of a group stands to a meeting. The first that holds is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Sits in it, for this group or another one.
    Sits,
    /// Said no.
    Declined,
    /// Has no time, whatever else is planned.
    NotFree,
    /// Is in another meeting then, or too near to it.
    Elsewhere {
        /// Whose.
        guest: usize,
        /// Which step of the loop.
        round: usize,
    },
    /// Has as many meetings on that date, or in that week, as they may.
    LimitReached,
    /// Carries more than whoever of the group sits and carries most, this meeting left out.
    CarriesMore {
        /// What they carry, before the plan too.
        minutes: u64,
        /// What that other carries.
        seated_minutes: u64,
    },
    /// Could sit instead of somebody, at a higher cost by the other weights.
    Dearer {
        /// By how much, for the best such change.
        by: i128,
    },
    /// Could sit instead of somebody at no higher cost.
    AsGood,
}

/// How many earlier starts of the span fail at what first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EarlierStarts {
    /// The guest has no time.
    pub guest: usize,
    /// Too near to the guest's other rounds, too far, or on the wrong date.
    pub order: usize,
    /// Not enough people have time, whatever else is planned.
    pub people: usize,
    /// Not enough people are left by other meetings and limits.
    pub taken: usize,
    /// Possible, and dearer by the weights.
    pub dearer: usize,
    /// Possible, at no higher cost.
    pub as_good: usize,
}

/// Why a guest's round is when it is, with whom it is; `None` if the plan has no such meeting.
pub fn explain(problem: &Problem, plan: &Plan, guest: usize, round: usize) -> Result<Option<MeetingReasons>, ProblemError> {
    problem.check()?;
    let model = Model::new(problem);
    let mut state = State::new(&model, None);
    for meeting in &plan.meetings {
        problem.check_meeting("a meeting of the plan", meeting)?;
        let slot = meeting.guest * model.rounds.len() + meeting.round;
        if state.placed[slot].is_none() && problem.is_within(meeting) {
            state.place(slot, Placed { start: model.offset(meeting.start), people: meeting.people.clone() });
        }
    }
    let slot = guest * model.rounds.len() + round;
    let score = state.score;
    let is_there = guest < problem.guests.len() && round < model.rounds.len();
    let Some(placed) = is_there.then(|| state.remove(slot)).flatten() else { return Ok(None) };
    let groups = model.rounds[round].panel.groups();
    let standing = |group: usize| {
        let members = groups[group].members.iter();
        members.map(|member| (*member, standing(&state, plan, slot, &placed, (group, *member)))).collect()
    };
    let groups = (0..groups.len()).map(standing).collect();
    Ok(Some(MeetingReasons { groups, earlier: earlier(&mut state, slot, &placed, score) }))
}

/// How one person stands, the meeting taken out.
fn standing(state: &State<'_>, plan: &Plan, slot: usize, placed: &Placed, (group, person): (usize, usize)) -> Standing {
    let (model, (guest, round), start) = (state.model, state.guest_round(slot), placed.start);
    if placed.people.contains(&person) {
        return Standing::Sits;
    }
    if model.has_declined(guest, round, person) {
        return Standing::Declined;
    }
    let member = &model.people[person];
    if !member.starts[round].as_ref().is_some_and(|starts| starts.contains(model.cell(start))) {
        return Standing::NotFree;
    }
    let end = start + model.rounds[round].length;
    let is_near = |meeting: &&super::problem::Meeting| {
        let other = model.offset(meeting.start);
        let other_end = other + model.rounds[meeting.round].length;
        (meeting.guest, meeting.round) != (guest, round)
            && meeting.people.contains(&person)
            && other < end + member.gap
            && start < other_end + member.gap
    };
    if let Some(meeting) = plan.meetings.iter().find(is_near) {
        return Standing::Elsewhere { guest: meeting.guest, round: meeting.round };
    }
    if !state.is_open(person, round, start) {
        return Standing::LimitReached;
    }
    // The seats of this group, as they stand in the list of people.
    let groups = model.rounds[round].panel.groups();
    let first: usize = groups[..group].iter().map(|group| group.need).sum();
    let seated = placed.people.get(first..first + groups[group].need).unwrap_or_default();
    let most = seated.iter().map(|seated| state.load(*seated)).max().unwrap_or(0);
    let minutes = |cells: i128| u64::try_from(cells * 5).unwrap_or(0);
    if state.load(person) > most {
        return Standing::CarriesMore { minutes: minutes(state.load(person)), seated_minutes: minutes(most) };
    }
    let dearest = seated.iter().map(|seated| state.seat_cost(*seated, round, start)).max().unwrap_or(0);
    match state.seat_cost(person, round, start) - dearest {
        by if by > 0 => Standing::Dearer { by },
        _ => Standing::AsGood,
    }
}

/// What is in the way of each earlier start, the meeting taken out. `score` is the cost with it.
fn earlier(state: &mut State<'_>, slot: usize, placed: &Placed, score: i128) -> EarlierStarts {
    let (model, (guest, round)) = (state.model, state.guest_round(slot));
    let guest_starts = model.guest_starts(guest, round);
    let could = model.rounds[round].panel.starts(&starts_of_people(model, guest, round));
    let mut counts = EarlierStarts::default();
    for start in 0..placed.start {
        let cell = model.cell(start);
        let count = if !guest_starts.contains(cell) {
            &mut counts.guest
        } else if !fits_placed(state, slot, start) {
            &mut counts.order
        } else if !could.contains(cell) {
            &mut counts.people
        } else if let Some((_, people)) = seat(state, slot, start) {
            state.place(slot, Placed { start, people });
            let is_dearer = state.score > score;
            state.remove(slot);
            if is_dearer { &mut counts.dearer } else { &mut counts.as_good }
        } else {
            &mut counts.taken
        };
        *count += 1;
    }
    counts
}

//! What is read side by side goes on in the order in which it arrived: the chunks of a message must
//! not overtake each other, for who comes too early has to come again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, mpsc},
};

use super::{ahead::Group, writer::Task};

/// Keeps groups until all that arrived before them have gone on.
#[derive(Clone)]
pub(super) struct Resequencer {
    waiting: Arc<Mutex<Waiting>>,
}

struct Waiting {
    writer: mpsc::Sender<Task>,
    /// The number of the next place that is given.
    given: u64,
    /// The number of the place that goes on next.
    next: u64,
    /// Places behind it that are done; nothing where nothing of them goes on.
    done: BTreeMap<u64, Option<Group>>,
}

/// A place in the order. One that is dropped holds up nobody.
pub(super) struct Place {
    number: u64,
    group: Option<Group>,
    order: Resequencer,
}

impl Resequencer {
    /// In front of the writer.
    pub(super) fn before(writer: mpsc::Sender<Task>) -> Self {
        let waiting = Waiting { writer, given: 0, next: 0, done: BTreeMap::new() };
        Self { waiting: Arc::new(Mutex::new(waiting)) }
    }

    /// The next place. Who takes a group from those that arrive takes it before anybody else can
    /// take another.
    pub(super) fn place(&self) -> Place {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let number = waiting.given;
        waiting.given += 1;
        Place { number, group: None, order: self.clone() }
    }
}

impl Place {
    /// Has a group go on from here.
    pub(super) fn take(mut self, group: Group) {
        self.group = Some(group);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.order.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Waiting { writer, next, done, .. } = &mut *waiting;
        done.insert(self.number, self.group.take());
        while let Some(group) = done.remove(next) {
            *next += 1;
            let Some(group) = group else { continue };
            let sent = writer.send(Task::Group(Box::new(group)));
            if let Err(mpsc::SendError(Task::Group(group))) = sent {
                group.fail(&super::stopped(()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::ahead::Read, *};

    /// A group that is known by its number.
    fn group(after: u64) -> Group {
        let (marks, attempts, subjects, records, erased) = Default::default();
        let mut group = Group::default();
        group.read = Some(Read { after, marks, attempts, subjects, records, erased });
        group
    }

    fn gone_on(tasks: &mpsc::Receiver<Task>) -> Vec<u64> {
        let number = |task| match task {
            Task::Group(group) => group.read.map(|read| read.after),
            Task::Job(_) | Task::Aside(_) => None,
        };
        tasks.try_iter().filter_map(number).collect()
    }

    #[test]
    fn groups_go_on_in_the_order_of_their_places_and_nobody_holds_up_for_ever() {
        let (writer, tasks) = mpsc::channel();
        let order = Resequencer::before(writer);
        let [first, second, third, fourth] = [(); 4].map(|()| order.place());
        second.take(group(1));
        fourth.take(group(3));
        assert_eq!(gone_on(&tasks), [0; 0]);
        first.take(group(0));
        assert_eq!(gone_on(&tasks), [0, 1]);
        // Its reader broke down, or has answered already.
        drop(third);
        assert_eq!(gone_on(&tasks), [3]);
        order.place().take(group(4));
        assert_eq!(gone_on(&tasks), [4]);
    }
}

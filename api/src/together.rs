//! Work that costs less when it is done for many at once: what waits while some is done is done together after that.
//!
//! Nobody waits for company. Whoever finds nothing under way is served at once, alone if need be; so one caller is as
//! fast as ever, and a thousand cost one statement. One run is under way at a time, on a task of its own: a caller who
//! goes away takes nobody along, and what has not begun by then does not happen.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// What is done for many at once.
pub(crate) trait Work: Send + Sync + 'static {
    /// What one caller wants.
    type Asked: Send;
    /// What one caller gets.
    type Answer: Send;

    /// Does it for all of `asked`: one answer for each, in their order.
    fn work(&self, asked: Vec<Self::Asked>) -> impl Future<Output = Vec<Self::Answer>> + Send;
}

/// Those who wait for one sort of work. Clones share them.
pub(crate) struct Together<W: Work>(Arc<Shared<W>>);

struct Shared<W: Work> {
    work: W,
    most: usize,
    waiting: Mutex<Waiting<W>>,
}

/// What one caller asked, and where the answer goes.
type Waits<W> = (<W as Work>::Asked, oneshot::Sender<<W as Work>::Answer>);

struct Waiting<W: Work> {
    queue: VecDeque<Waits<W>>,
    under_way: bool,
}

impl<W: Work> Together<W> {
    /// Nobody waits yet. At most `most` are served at once.
    pub(crate) fn new(work: W, most: usize) -> Self {
        let waiting = Mutex::new(Waiting { queue: VecDeque::new(), under_way: false });
        Self(Arc::new(Shared { work, most, waiting }))
    }

    /// The answer to `asked`, which is begun after this call. `None` if the work broke off: perhaps it was done.
    pub(crate) async fn ask(&self, asked: W::Asked) -> Option<W::Answer> {
        let (answer, answered) = oneshot::channel();
        let idle = {
            let mut waiting = self.0.lock();
            waiting.queue.push_back((asked, answer));
            !std::mem::replace(&mut waiting.under_way, true)
        };
        if idle {
            // On the caller's own runtime, so that a lone answer crosses no thread.
            tokio::spawn(run(Arc::clone(&self.0)));
        }
        answered.await.ok()
    }

    /// What does the work.
    pub(crate) fn work(&self) -> &W {
        &self.0.work
    }
}

impl<W: Work> Clone for Together<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Work> fmt::Debug for Together<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Together").finish_non_exhaustive()
    }
}

impl<W: Work> Shared<W> {
    fn lock(&self) -> MutexGuard<'_, Waiting<W>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those whose turn it is, without those who went away; `None` once nobody waits, and then no run is under way.
    fn next(&self) -> Option<Vec<Waits<W>>> {
        let mut waiting = self.lock();
        let mut turn = Vec::new();
        while turn.len() < self.most
            && let Some(one) = waiting.queue.pop_front()
        {
            if !one.1.is_closed() {
                turn.push(one);
            }
        }
        waiting.under_way = !turn.is_empty();
        waiting.under_way.then_some(turn)
    }
}

async fn run<W: Work>(shared: Arc<Shared<W>>) {
    let broken = BrokenOff(&shared);
    while let Some(turn) = shared.next() {
        let (asked, answers): (Vec<_>, Vec<_>) = turn.into_iter().unzip();
        for (answer, done) in answers.into_iter().zip(shared.work.work(asked).await) {
            let _ = answer.send(done);
        }
    }
    std::mem::forget(broken);
}

/// A run that ends before its time (a panic, a runtime that stops) leaves nobody waiting for ever.
struct BrokenOff<'s, W: Work>(&'s Shared<W>);

impl<W: Work> Drop for BrokenOff<'_, W> {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.queue.clear();
        waiting.under_way = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::sync::Semaphore;

    /// Doubles numbers, and remembers which it was asked together. Goes on only as it is let.
    struct Doubling {
        gate: Semaphore,
        batches: Mutex<Vec<Vec<u32>>>,
    }

    impl Work for Doubling {
        type Asked = u32;
        type Answer = u32;

        async fn work(&self, asked: Vec<u32>) -> Vec<u32> {
            self.batches.lock().unwrap().push(asked.clone());
            self.gate.acquire().await.unwrap().forget();
            assert!(!asked.contains(&13), "an accident on purpose");
            asked.iter().map(|number| number * 2).collect()
        }
    }

    fn doubling() -> Together<Doubling> {
        Together::new(Doubling { gate: Semaphore::new(0), batches: Mutex::default() }, 3)
    }

    fn ask(all: &Together<Doubling>, number: u32) -> tokio::task::JoinHandle<Option<u32>> {
        let all = all.clone();
        tokio::spawn(async move { all.ask(number).await })
    }

    async fn until(condition: impl Fn() -> bool) {
        tokio::time::timeout(Duration::from_secs(10), async {
            while !condition() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
    }

    fn waiting(all: &Together<Doubling>) -> usize {
        all.0.lock().queue.len()
    }

    #[tokio::test]
    async fn the_first_is_served_alone_and_those_who_come_meanwhile_together() {
        let all = doubling();
        let first = ask(&all, 1);
        until(|| all.work().batches.lock().unwrap().len() == 1).await;
        let rest: Vec<_> = (2..=6).map(|number| ask(&all, number)).collect();
        until(|| waiting(&all) == 5).await;
        all.work().gate.add_permits(3);
        assert_eq!(first.await.unwrap(), Some(2));
        for (number, answer) in (2..=6).zip(rest) {
            assert_eq!(answer.await.unwrap(), Some(number * 2));
        }
        assert_eq!(*all.work().batches.lock().unwrap(), [vec![1], vec![2, 3, 4], vec![5, 6]]);
    }

    #[tokio::test]
    async fn who_goes_away_before_their_turn_is_passed_over_and_who_goes_during_it_takes_nobody_along() {
        let all = doubling();
        let first = ask(&all, 1);
        until(|| all.work().batches.lock().unwrap().len() == 1).await;
        let (gone, stays) = (ask(&all, 2), ask(&all, 3));
        until(|| waiting(&all) == 2).await;
        first.abort();
        gone.abort();
        until(|| first.is_finished() && gone.is_finished()).await;
        all.work().gate.add_permits(2);
        assert_eq!(stays.await.unwrap(), Some(6));
        assert_eq!(*all.work().batches.lock().unwrap(), [vec![1], vec![3]]);
    }

    #[tokio::test]
    async fn a_run_that_breaks_off_leaves_nobody_waiting_and_the_next_begins_anew() {
        let all = doubling();
        let broken = ask(&all, 13);
        until(|| all.work().batches.lock().unwrap().len() == 1).await;
        let waits = ask(&all, 1);
        until(|| waiting(&all) == 1).await;
        all.work().gate.add_permits(2);
        assert_eq!((broken.await.unwrap(), waits.await.unwrap()), (None, None));
        assert_eq!(all.ask(4).await, Some(8));
    }
}

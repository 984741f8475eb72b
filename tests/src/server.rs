//! The running service: its address, everything it says, and the ways to end it.

use crate::program;
use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// How long the first line may take. A debug build on a busy machine, with tables to make.
const START: Duration = Duration::from_secs(60);

/// How the first line begins; the address follows.
const FIRST_LINE: &str = "listening on ";

/// A process that is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: String,
    stdout: Said,
    stderr: Said,
}

/// What a process has said so far.
#[derive(Debug, Clone, Default)]
struct Said(Arc<Mutex<String>>);

impl Server {
    /// Starts the program with these words and waits for its first line.
    pub(crate) fn start(words: &[String]) -> Self {
        let mut child = program::patient_command(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("cannot run {}: {e}", program::path().display()));
        let (stdout, stderr) = (Said::default(), Said::default());
        let (first, line) = mpsc::channel();
        stdout.listen(child.stdout.take(), Some(first));
        stderr.listen(child.stderr.take(), None);
        let line = line.recv_timeout(START).unwrap_or_else(|silence| {
            let _ = child.kill();
            let ended = child.wait();
            panic!("the service never said where it listens ({silence}, {ended:?}); standard error: {}", stderr.text())
        });
        let address = line.strip_prefix(FIRST_LINE).map(|address| address.trim().to_owned());
        let address = address.unwrap_or_else(|| {
            let _ = child.kill();
            panic!("the first line is not {FIRST_LINE:?} and an address: {line:?}; standard error: {}", stderr.text())
        });
        Self { child, address, stdout, stderr }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// `127.0.0.1:PORT`.
    pub fn authority(&self) -> &str {
        self.address.trim_start_matches("http://")
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it said so far, on both outputs.
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout.text(), self.stderr.text())
    }

    /// The first word, on either output, that begins with `prefix`; waits for it.
    pub fn word(&self, prefix: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let said = self.said();
            if let Some(word) = said.split_whitespace().find(|word| word.starts_with(prefix)) {
                return word.to_owned();
            }
            assert!(Instant::now() < deadline, "the service never said a word that begins with {prefix:?}: {said}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// From now on no file of its may grow past `bytes`; `None` takes the limit away. It sees what it would see on a
    /// disk without room: writes that fail, and after a while succeed again.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let set = Command::new("prlimit")
            .args(["--pid", &self.child.id().to_string(), &format!("--fsize={limit}:unlimited")])
            .status();
        assert!(set.is_ok_and(|status| status.success()), "cannot limit the service's files");
    }

    /// Ends it at once, as a power cut would: SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap_or_else(|e| panic!("cannot kill the service: {e}"));
        let _ = self.child.wait();
    }

    /// Asks it to end: SIGTERM. Returns at once.
    pub fn ask_to_end(&self) {
        let asked = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status();
        assert!(asked.is_ok_and(|status| status.success()), "cannot signal the service");
    }

    /// Waits until it has ended by itself; a panic if that takes longer than `patience`.
    pub fn ended(&mut self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            let ended = self.child.try_wait().unwrap_or_else(|e| panic!("cannot wait for the service: {e}"));
            if let Some(status) = ended {
                return status;
            }
            assert!(Instant::now() < deadline, "the service did not end within {patience:?}: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("what the service at {} said:\n{}", self.address, self.said());
        }
    }
}

impl Said {
    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Collects from `pipe` on a thread, so that the process never waits for a reader.
    fn listen<P: Read + Send + 'static>(&self, pipe: Option<P>, first: Option<mpsc::Sender<String>>) {
        let said = self.clone();
        let mut pipe = BufReader::new(pipe.unwrap_or_else(|| panic!("the service's output is not piped")));
        let mut first = first;
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).into_owned();
                said.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
                if let Some(first) = first.take() {
                    let _ = first.send(text);
                }
                line.clear();
            }
        });
    }
}

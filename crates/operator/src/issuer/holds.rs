//! Which issuers stay for as long as somebody needs them, as far as this process has seen to it: a watch may lag
//! behind that.

use std::collections::HashMap;

use kube::ResourceExt as _;
use parking_lot::Mutex;
use tokenwright_api::names::finalizer;

use crate::cluster::marks::has;
use crate::issuer::object::IssuerObject;

/// All of them, by UID.
#[derive(Debug, Default)]
pub(crate) struct Holds(Mutex<HashMap<String, Hold>>);

#[derive(Debug, Default)]
struct Hold {
    use_: Use,
    /// The version of the object that the finalizer was set or taken away over, and whether it stands since: who
    /// is shown that version is shown the past.
    over: Option<(String, bool)>,
}

/// What an issuer is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Use {
    /// For nothing: it may be let go.
    #[default]
    Nothing,
    /// What was begun with it is ended, and nothing is begun any more.
    Ends,
    /// Something may be begun that only it can end.
    Begins,
}

impl Holds {
    /// Whether anything may be begun with an issuer that only it can end.
    pub(crate) fn open(&self, uid: &str) -> bool {
        self.use_of(uid) == Some(Use::Begins)
    }

    /// Whether it is needed, if only to end something.
    pub(crate) fn needed(&self, uid: &str) -> bool {
        matches!(self.use_of(uid), Some(Use::Begins | Use::Ends))
    }

    /// Whether an issuer that has the finalizer is about to be let go.
    pub(crate) fn lifted(&self, uid: &str) -> bool {
        self.use_of(uid) == Some(Use::Nothing)
    }

    fn use_of(&self, uid: &str) -> Option<Use> {
        self.0.lock().get(uid).map(|hold| hold.use_)
    }

    /// Nothing is begun with it from now on. Who began something before is seen by whoever looks after this.
    pub(crate) fn lift(&self, uid: &str) {
        self.0.lock().entry(uid.to_owned()).or_default().use_ = Use::Nothing;
    }

    /// Nothing is begun with it any more, since it goes and can be held no longer; what was begun is ended.
    pub(crate) fn close(&self, uid: &str) {
        self.0.lock().entry(uid.to_owned()).or_default().use_ = Use::Ends;
    }

    /// Something may be begun with it.
    pub(crate) fn settle(&self, uid: &str) {
        self.0.lock().entry(uid.to_owned()).or_default().use_ = Use::Begins;
    }

    /// The finalizer was set, or taken away, over this version of the object.
    pub(crate) fn wrote<K: IssuerObject>(&self, over: &K, stands: bool) {
        let (uid, version) = (over.uid(), over.resource_version());
        let mut all = self.0.lock();
        let hold = all.entry(uid.unwrap_or_default()).or_default();
        hold.over = version.map(|version| (version, stands));
    }

    /// Whether the finalizer stands, whatever a watch that lags shows.
    pub(crate) fn stands<K: IssuerObject>(&self, shown: &K) -> bool {
        let all = self.0.lock();
        let hold = shown.uid().and_then(|uid| all.get(&uid));
        let over = hold.and_then(|hold| hold.over.as_ref());
        let past = over.filter(|(version, _)| shown.resource_version().as_ref() == Some(version));
        past.map_or_else(|| has(shown, finalizer::IN_USE), |(_, stands)| *stands)
    }

    /// It is gone.
    pub(crate) fn forget(&self, uid: &str) {
        self.0.lock().remove(uid);
    }
}

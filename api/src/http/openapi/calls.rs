//! The table of calls: everything that can be asked for, in one line each.

use super::parameters::{OF_CHANGES, OF_COMMANDS, OF_READS};
use domain::Surface;
use utoipa::openapi::HttpMethod::{self, Delete, Get, Patch, Post, Put};

/// Where a helpdesk's calls begin.
const HELPDESK: &str = "/api/helpdesks/{helpdesk}";

/// Who may make a call, and what all such calls have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// A page or another answer for anybody; its refusals are pages.
    Page,
    /// JSON for anybody.
    Public,
    /// For admins and auditors.
    Read,
    /// For admins: changes people or tokens.
    Change,
    /// For admins: changes the configuration, and can be rehearsed.
    Command,
}

/// One call.
#[derive(Clone)]
pub struct Call {
    /// The method.
    pub method: HttpMethod,
    /// The path.
    pub path: String,
    /// Its name for programs.
    pub name: String,
    /// What it does.
    pub summary: &'static str,
    /// Who may make it.
    pub manner: Manner,
    /// The keys of its headers and query parameters.
    pub parameters: Vec<&'static str>,
    /// The shape that it takes, if any.
    pub takes: Option<&'static str>,
    /// The status and shape when all is well; the shape of a page is none.
    pub gives: Vec<(u16, Option<&'static str>)>,
    /// Whether the answer carries the version as its ETag.
    pub tagged: bool,
    /// Problems that only this call answers with.
    pub refuses: &'static [u16],
}

impl Call {
    fn new(manner: Manner, method: HttpMethod, path: impl Into<String>, name: &str, summary: &'static str) -> Self {
        let (path, name) = (path.into(), name.to_owned());
        let (parameters, gives) = (Vec::new(), Vec::new());
        Self { method, path, name, summary, manner, parameters, takes: None, gives, tagged: false, refuses: &[] }
    }

    fn with(mut self, parameters: &[&'static str]) -> Self {
        self.parameters.extend(parameters);
        self
    }

    fn takes(mut self, shape: &'static str) -> Self {
        self.takes = Some(shape);
        self
    }

    fn gives(mut self, status: u16, shape: &'static str) -> Self {
        self.gives.push((status, Some(shape)));
        self
    }

    fn empty(mut self, status: u16) -> Self {
        self.gives.push((status, None));
        self
    }

    fn tagged(mut self) -> Self {
        self.tagged = true;
        self
    }

    fn refuses(mut self, statuses: &'static [u16]) -> Self {
        self.refuses = statuses;
        self
    }
}

fn page(method: HttpMethod, path: &str, name: &str, summary: &'static str) -> Call {
    Call::new(Manner::Page, method, path, name, summary)
}

fn public(path: &str, name: &str, summary: &'static str) -> Call {
    Call::new(Manner::Public, Get, path, name, summary)
}

fn read(path: &str, name: &str, summary: &'static str) -> Call {
    Call::new(Manner::Read, Get, format!("{HELPDESK}{path}"), name, summary).with(OF_READS)
}

fn change(method: HttpMethod, path: &str, name: &str, summary: &'static str) -> Call {
    Call::new(Manner::Change, method, format!("{HELPDESK}{path}"), name, summary).with(OF_CHANGES)
}

fn command(method: HttpMethod, path: &str, name: &str, summary: &'static str) -> Call {
    let call = Call::new(Manner::Command, method, format!("{HELPDESK}{path}"), name, summary);
    call.with(OF_CHANGES).with(OF_COMMANDS).gives(200, "Rehearsal").tagged()
}

/// Every call.
pub fn all() -> Vec<Call> {
    [api(), configuring(), people(), pages()].into_iter().flatten().collect()
}

fn api() -> Vec<Call> {
    vec![
        public("/api/openapi.json", "describe_api", "This description.").gives(200, "Description"),
        public("/api/helpdesks/{helpdesk}/login-options", "login_options", "What that surface's visitor may choose.")
            .with(&["needed_surface", "If-None-Match"])
            .gives(200, "LoginOptions")
            .empty(304)
            .tagged()
            .refuses(&[400, 404, 405, 503]),
        public("/session", "read_session", "Who is signed in, also in `X-Gateledger-…` headers for a proxy.")
            .gives(200, "WhoIs")
            .refuses(&[401, 404, 503]),
        public("/health/live", "live", "Whether the process answers.").gives(200, "Live"),
        public("/health/ready", "ready", "Whether login pages can be answered.")
            .gives(200, "Ready")
            .gives(503, "Ready"),
    ]
}

fn configuring() -> Vec<Call> {
    vec![
        read("/kinds", "list_kinds", "Every kind of usersource with all its fields.").gives(200, "Kinds").tagged(),
        read("/usersources", "list_usersources", "The usersources in the admins' order.")
            .with(&["audience"])
            .gives(200, "Usersources")
            .tagged(),
        read("/usersources/{id}", "read_usersource", "One usersource.").gives(200, "Usersource").tagged(),
        command(Post, "/usersources", "install_usersource", "Installs a usersource, disabled (R3).")
            .takes("NewUsersource")
            .gives(201, "Applied"),
        command(
            Patch,
            "/usersources/{id}",
            "change_usersource",
            "Sets and clears fields (RFC 7396); an absent secret stays.",
        )
        .takes("UsersourceChange")
        .gives(200, "Applied"),
        command(Post, "/usersources/{id}/enable", "enable_usersource", "Lets visitors sign in through it (R4).")
            .takes("Nothing")
            .gives(200, "Applied"),
        command(Post, "/usersources/{id}/disable", "disable_usersource", "Lets nobody sign in through it (R13).")
            .takes("Disabling")
            .gives(200, "Applied"),
        command(
            Put,
            "/usersources/{id}/sso",
            "set_sso",
            "Switches single sign-on; the answer names the displaced one too.",
        )
        .takes("SsoSwitch")
        .gives(200, "Applied"),
        command(Put, "/audiences/{audience}/order", "set_order", "Puts an audience's usersources in order (R23, R26).")
            .takes("Order")
            .gives(200, "Applied"),
        command(
            Delete,
            "/usersources/{id}",
            "uninstall_usersource",
            "Uninstalls it, disabling it first if need be (R5).",
        )
        .gives(200, "Applied"),
        command(Post, "/changes", "make_changes", "Several commands as one atomic change.")
            .takes("Changes")
            .gives(200, "Applied"),
        change(Post, "/usersources/{id}/test", "test_usersource", "Tests a form kind by a real sign-in (R42).")
            .takes("TestForm")
            .gives(200, "Tested"),
        read("/policies", "read_policies", "Name, URL and both audiences' policies.").gives(200, "Policies").tagged(),
        command(Patch, "/policies", "change_policies", "Changes what is named, as one change.")
            .takes("PolicyChange")
            .gives(200, "Applied"),
        read(
            "/audit-trail",
            "search_audit_trail",
            "Changes, newest first; as NDJSON or CSV, the whole filtered set (R52).",
        )
        .with(&["actor", "usersource", "action", "audience", "since", "until", "q", "before", "limit"])
        .gives(200, "AuditTrail")
        .tagged(),
        read("/audit-trail/{version}", "read_change", "One change in full.").gives(200, "Change").tagged(),
    ]
}

fn people() -> Vec<Call> {
    vec![
        read("/accounts", "list_accounts", "Accounts by id.").with(&["after", "limit"]).gives(200, "Accounts"),
        change(Post, "/accounts", "create_account", "An account without a password; its person sets one by mail.")
            .takes("NewAccount")
            .gives(201, "Account"),
        change(Patch, "/accounts/{id}", "update_account", "Changes an account; the admins' last way in stays (R40).")
            .takes("AccountChange")
            .gives(200, "Account"),
        change(Delete, "/accounts/{id}", "erase_account", "Erases a person; the ledger keeps what was done.")
            .empty(204),
        read("/accounts/{id}/sessions", "list_sessions", "An account's live sessions.").gives(200, "Sessions"),
        change(Delete, "/accounts/{id}/sessions", "end_sessions", "Ends all sessions of an account.")
            .gives(200, "Ended"),
        read("/accounts/{id}/identities", "list_identities", "Whom other sources mean by this account (R30).")
            .gives(200, "Identities"),
        change(
            Delete,
            "/accounts/{id}/identities/{identity}",
            "unlink_identity",
            "Takes an identity away, and its sessions.",
        )
        .empty(204),
        read("/tokens", "list_tokens", "The API tokens, without their secrets.").gives(200, "Tokens"),
        change(Post, "/tokens", "create_token", "A token of the caller's; its secret is only in this answer.")
            .takes("NewToken")
            .gives(201, "CreatedToken"),
        change(Delete, "/tokens/{id}", "revoke_token", "Makes a token worthless at once.").empty(204),
        read("/sign-ins", "list_sign_ins", "Attempts to sign in, newest first (R56).")
            .with(&["account", "usersource", "outcome", "surface", "since", "until", "before", "limit"])
            .gives(200, "SignIns"),
    ]
}

fn pages() -> Vec<Call> {
    let mut pages = vec![
        page(Post, "/logout", "log_out", "Ends the session (R27).").empty(303),
        page(Get, "/signed-out", "signed_out", "Says that one is signed out.").empty(200),
        page(Get, "/setup", "ask_setup", "Makes the first admin, by a link.").with(&["needed_token"]).empty(200),
        page(Post, "/setup", "setup", "The form of the same.").takes("SetupForm").empty(303),
        page(Get, "/reset-password", "ask_reset", "Sets a password, by a link.").with(&["needed_token"]).empty(200),
        page(Post, "/reset-password", "reset_password", "The form of the same.").takes("ResetPasswordForm").empty(200),
        page(Get, "/auth/{usersource}/start", "start", "Where a sign-in through a provider begins.")
            .with(&["silent", "return_to", "again"])
            .empty(303),
        page(Get, "/auth/{usersource}/callback", "callback", "Where the provider sends its answer.").empty(303),
        page(Post, "/auth/{usersource}/callback", "posted_callback", "The same for an answer that is posted.")
            .empty(200)
            .empty(303),
        page(Get, "/auth/{usersource}/metadata", "provider_metadata", "What a SAML provider reads to know us.")
            .empty(200),
        page(Get, "/auth/{usersource}/logout", "provider_log_out", "A provider's log-out message (R27).").empty(303),
        page(Post, "/auth/{usersource}/logout", "posted_log_out", "The same, posted.").empty(303),
        page(
            Get,
            &format!("{HELPDESK}/usersources/{{id}}/test/start"),
            "start_test",
            "Tests a usersource that redirects, in an admin's browser (R42).",
        )
        .empty(303),
        page(Get, "/identities", "own_identities", "One's own ways to sign in (R30).").empty(200).empty(303),
        page(Post, "/identities", "change_own_identities", "Links or unlinks one of them.")
            .takes("IdentitiesForm")
            .empty(200)
            .empty(303),
        page(Get, "/assets/{name}", "asset", "A style sheet or a picture of the pages.").empty(200),
    ];
    for surface in Surface::ALL {
        let name = |what: &str| format!("{what}_{surface}");
        pages.push(page(Get, surface.home_path(), &name("home"), "Who one is.").empty(200).empty(303));
        let login = surface.login_path();
        pages.push(
            page(Get, login, &name("ask_login"), "The login page, or the redirect of R21.")
                .with(&["return_to"])
                .empty(200)
                .empty(303),
        );
        pages.push(page(Post, login, &name("login"), "The form of the same.").takes("LoginForm").empty(303));
    }
    for (surface, agents) in [(Surface::Portal, ""), (Surface::Agent, "/agent")] {
        let (lost, changed) = (format!("{agents}/lost-password"), format!("{agents}/change-password"));
        let name = |what: &str| format!("{what}_{}", surface.audience());
        pages.extend([
            page(Get, &lost, &name("ask_lost_password"), "Asks where to send a link (R24).").empty(200),
            page(Post, &lost, &name("lost_password"), "The form of the same.").takes("LostPasswordForm").empty(200),
            page(Get, &changed, &name("ask_change_password"), "Asks for a new password (R24).").empty(200).empty(303),
            page(Post, &changed, &name("change_password"), "The form of the same.")
                .takes("ChangePasswordForm")
                .empty(200),
        ]);
    }
    pages
}

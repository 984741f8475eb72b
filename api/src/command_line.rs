//! The command line: one binary, and what it can be asked to do.

use crate::settings::Flags;
use clap::{Parser, Subcommand};

/// Who may sign in to a helpdesk and how, and the ledger of every change to that decision. No `Debug`: URLs hold
/// passwords.
#[derive(Parser)]
#[command(name = "gateledger", version, about, after_help = "Example: gateledger serve --listen 127.0.0.1:8080")]
pub struct CommandLine {
    /// Flags that every command takes.
    #[command(flatten)]
    pub flags: Flags,
    /// What to do; without it, serve.
    #[command(subcommand)]
    pub command: Option<Task>,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Task {
    /// Serve the login pages and the API (the default).
    #[command(after_help = "Example: gateledger serve --listen 0.0.0.0:8080 --public-url https://help.example.com")]
    Serve,
    /// API tokens.
    #[command(subcommand)]
    Token(TokenTask),
    /// Accounts of people.
    #[command(subcommand)]
    Account(AccountTask),
    /// Helpdesks.
    #[command(subcommand)]
    Helpdesk(HelpdeskTask),
    /// Make the read models again from the ledger, beside the live ones; works while the service runs.
    #[command(after_help = "Example: gateledger rebuild --data-dir /var/lib/gateledger")]
    Rebuild,
}

/// What to do with API tokens.
#[derive(Debug, Clone, Subcommand)]
pub enum TokenTask {
    /// Print a new token, alone, on standard output. It is shown only now.
    #[command(after_help = "Example: gateledger token create --role admin --label ci --expires-in-days 30")]
    Create {
        /// admin or auditor.
        #[arg(long)]
        role: String,
        /// What it is for.
        #[arg(long)]
        label: String,
        /// The e-mail of its owner; without it, the helpdesk's only active admin.
        #[arg(long)]
        owner: Option<String>,
        /// For how many days it works, 1 to 3650.
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(i64).range(1..=3650))]
        expires_in_days: i64,
        /// Of which helpdesk.
        #[arg(long, default_value = "default")]
        helpdesk: String,
    },
    /// List tokens: id, role, label, owner, expiry.
    #[command(after_help = "Example: gateledger token list")]
    List {
        /// Of which helpdesk.
        #[arg(long, default_value = "default")]
        helpdesk: String,
    },
    /// Make a token worthless at once.
    #[command(after_help = "Example: gateledger token revoke tok_0123")]
    Revoke {
        /// The token's id.
        id: String,
        /// Of which helpdesk.
        #[arg(long, default_value = "default")]
        helpdesk: String,
    },
}

/// What to do with accounts.
#[derive(Debug, Clone, Subcommand)]
pub enum AccountTask {
    /// Create an account.
    #[command(
        after_help = "Example: printf %s \"$PASSWORD\" | gateledger account create --email jane@example.com --name \"Jane Doe\" --role admin --password-stdin"
    )]
    Create {
        /// The address that signs in.
        #[arg(long)]
        email: String,
        /// What the person is called.
        #[arg(long)]
        name: String,
        /// admin, auditor, agent or user.
        #[arg(long)]
        role: String,
        /// Read the password from standard input, one line.
        #[arg(long)]
        password_stdin: bool,
        /// Of which helpdesk.
        #[arg(long, default_value = "default")]
        helpdesk: String,
    },
    /// Give an account another role.
    #[command(after_help = "Example: gateledger account set-role --email jane@example.com --role auditor")]
    SetRole {
        /// Whose.
        #[arg(long)]
        email: String,
        /// admin, auditor, agent or user.
        #[arg(long)]
        role: String,
        /// Of which helpdesk.
        #[arg(long, default_value = "default")]
        helpdesk: String,
    },
    /// Give an account another password, read from standard input; its sessions end.
    #[command(after_help = "Example: gateledger account set-password --email jane@example.com < new-password.txt")]
    SetPassword {
        /// Whose.
        #[arg(long)]
        email: String,
        /// Of which helpdesk.
        #[arg(long, default_value = "default")]
        helpdesk: String,
    },
}

/// What to do with helpdesks.
#[derive(Debug, Clone, Subcommand)]
pub enum HelpdeskTask {
    /// Begin a helpdesk.
    #[command(after_help = "Example: gateledger helpdesk create acme --name \"Acme\" --url https://help.acme.example")]
    Create {
        /// Its id: 1 to 40 of a–z, 0–9 and -.
        id: String,
        /// What it is called.
        #[arg(long)]
        name: String,
        /// Its own URL: scheme, host and perhaps a port.
        #[arg(long)]
        url: Option<String>,
    },
    /// Give a helpdesk another URL, or none: the way back when a wrong one was set and nobody reaches its pages.
    #[command(after_help = "Example: gateledger helpdesk set-url acme --url https://help.acme.example")]
    SetUrl {
        /// Which helpdesk.
        id: String,
        /// Its URL; without it, it has none.
        #[arg(long)]
        url: Option<String>,
    },
    /// List helpdesks: id, name, URL.
    #[command(after_help = "Example: gateledger helpdesk list")]
    List,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn the_command_line_is_sound_and_flags_come_first() {
        use clap::CommandFactory as _;
        CommandLine::command().debug_assert();
        let line = CommandLine::parse_from(["gateledger", "serve", "--listen", "127.0.0.1:0"]);
        assert_eq!(Settings::read(&line.flags).unwrap().listen.port(), 0);
    }
}

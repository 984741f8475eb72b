//! Taking an identity away from its account, with the lockout guard's consent: what an admin proved through it proves
//! nothing more (R40).

use crate::accounts::{AccountsError, Identity};
use crate::app::App;
use crate::commands::CommandError;
use crate::people::{Hand, PeopleError};
use domain::{AccountId, Command, HelpdeskId, Rejection};

impl App {
    /// Takes the identity called `id` away. The ledger is asked first, and refuses what would leave no way in.
    pub async fn unlink_identity(
        &self,
        helpdesk: &HelpdeskId,
        account: &AccountId,
        id: &str,
        hand: Hand,
    ) -> Result<(), PeopleError> {
        let all = self.accounts.identities_of(helpdesk, account).await?;
        let identity = all.iter().find(|identity| identity.id == id).ok_or(AccountsError::Unknown)?;
        self.withdraw_proofs(helpdesk, &all, identity, hand.clone()).await?;
        self.accounts.unlink_identity(helpdesk, account, id).await?;
        // Whoever signed in with it in between proved something that is gone now.
        self.withdraw_proofs(helpdesk, &all, identity, hand).await
    }

    async fn withdraw_proofs(
        &self,
        helpdesk: &HelpdeskId,
        all: &[Identity],
        identity: &Identity,
        hand: Hand,
    ) -> Result<(), PeopleError> {
        let usersource = &identity.key.usersource;
        if all.iter().any(|other| other.id != identity.id && other.key.usersource == *usersource) {
            return Ok(());
        }
        let withdraw = Command::WithdrawProofs { usersource: usersource.clone(), account: identity.account.clone() };
        match self.commands.execute(&hand.wish(helpdesk, vec![withdraw]), self.now()).await {
            Ok(done) => self.after(helpdesk, &done),
            Err(CommandError::Rejected(Rejection::NothingToChange | Rejection::UnknownUsersource(_))) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

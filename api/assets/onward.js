/* Leads on to the provider: the page holds one form, and its button does the same. */
document.forms[0].submit();

"""Every command there is (CONTRACT 2), and the root group made of them."""

import click

from idp.cli.root import Entry, RootGroup

COMMANDS = (
    Entry("demo", "idp.demo.command:demo", "Everything at once, with sample apps, to try it."),
    Entry("init", "idp.cli.init:init", "Set up a new installation."),
    Entry("serve", "idp.cli.server:serve", "Run the server, background jobs included."),
    Entry("worker", "idp.cli.server:worker", "Run background jobs only."),
    Entry("web", "idp.cli.server:web", None),  # the child of `serve`
    Entry("doctor", "idp.cli.doctor:doctor", "Check the installation; say how to mend it."),
    Entry("db", "idp.cli.database:database_group", "Upgrade, check, back up, restore."),
    Entry("user", "idp.cli.users:user_group", "Users of a realm."),
    Entry("group", "idp.cli.groups:group_group", "Groups of users."),
    Entry("admin", "idp.cli.admins:admin_group", "Administrator roles."),
    Entry("client", "idp.cli.clients:client_group", "Apps that sign in here."),
    Entry("keys", "idp.cli.keys:keys_group", "Signing keys."),
    Entry("policy", "idp.cli.policy:policy_group", "The password policy."),
    Entry("reset", "idp.cli.resets:reset_group", "Reset passwords in bulk."),
    Entry("directory", "idp.cli.directories:directory_group", "Directories: check, sync, status."),
    Entry("plan", "idp.cli.plans:plan_group", "Plans: review, apply, undo."),
    Entry("job", "idp.cli.jobs:job_group", "Long work under way."),
)

idp = RootGroup(
    "idp", COMMANDS, summary="TimeTrak IdP: one OpenID Connect server for all TimeTrak apps."
)
click.version_option(package_name="timetrak-idp", prog_name="idp")(idp)

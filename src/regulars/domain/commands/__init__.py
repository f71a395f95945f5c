"""Commands: the write operations of the ledger.

One module per command: its input, what must be loaded for it, its weight and its rule. A new one is a module and a row
below; nothing else in the program knows which commands there are.
"""

from regulars.domain.commands.activate_drip_campaign import ActivateDripCampaign
from regulars.domain.commands.change_customer_id import ChangeCustomerId
from regulars.domain.commands.change_list_member import ChangeListMember
from regulars.domain.commands.change_subscriptions import ChangeSubscriptions
from regulars.domain.commands.command import Command, apply
from regulars.domain.commands.consent_requests import (
    ConfirmConsent,
    DropUnconfirmed,
    ExpireConsentRequests,
    RequestConsent,
)
from regulars.domain.commands.count_revenue import CountRevenue
from regulars.domain.commands.deactivate_drip_campaigns import DeactivateDripCampaigns
from regulars.domain.commands.delete_audience import DeleteAudience
from regulars.domain.commands.delete_customer import DeleteCustomer
from regulars.domain.commands.delete_object import DeleteObject
from regulars.domain.commands.erase_customer import EraseCustomer, LiftErasure
from regulars.domain.commands.forget_customer import ForgetCustomer
from regulars.domain.commands.link_products import LinkProducts
from regulars.domain.commands.merge_customers import MergeCustomers
from regulars.domain.commands.move_tie import MoveTie
from regulars.domain.commands.needs import Needs
from regulars.domain.commands.notes import AddNote, ChangeNote, DeleteNote
from regulars.domain.commands.reassign import Handover, LastNames, Reassign, handovers, is_taken, later_of
from regulars.domain.commands.rebuild import Rebuild
from regulars.domain.commands.record_activity import RecordActivity
from regulars.domain.commands.record_movements import RecordMovements
from regulars.domain.commands.relate import Relate
from regulars.domain.commands.restore_activity import RestoreActivity, RestoreLog
from regulars.domain.commands.save_audience import DefinitionChange, SaveAudience
from regulars.domain.commands.save_drip_campaign import PlanChange, SaveDripCampaign
from regulars.domain.commands.save_object import SaveObject
from regulars.domain.commands.set_change import SetChange
from regulars.domain.commands.set_tie import SetTie
from regulars.domain.commands.submit_form import SubmitForm
from regulars.domain.commands.undo_import import UndoImport, UndoImports
from regulars.domain.commands.undo_merge import UndoMerge
from regulars.domain.commands.upsert import Upsert
from regulars.domain.commands.upsert_group import UpsertGroup, group_upserts

__all__ = [
    "ActivateDripCampaign",
    "AddNote",
    "ChangeCustomerId",
    "ChangeListMember",
    "ChangeNote",
    "ChangeSubscriptions",
    "Command",
    "ConfirmConsent",
    "CountRevenue",
    "DeactivateDripCampaigns",
    "DefinitionChange",
    "DeleteAudience",
    "DeleteCustomer",
    "DeleteNote",
    "DeleteObject",
    "DropUnconfirmed",
    "EraseCustomer",
    "ExpireConsentRequests",
    "ForgetCustomer",
    "Handover",
    "LastNames",
    "LiftErasure",
    "LinkProducts",
    "MergeCustomers",
    "MoveTie",
    "Needs",
    "PlanChange",
    "Reassign",
    "Rebuild",
    "RecordActivity",
    "RecordMovements",
    "Relate",
    "RequestConsent",
    "RestoreActivity",
    "RestoreLog",
    "SaveAudience",
    "SaveDripCampaign",
    "SaveObject",
    "SetChange",
    "SetTie",
    "SubmitForm",
    "UndoImport",
    "UndoImports",
    "UndoMerge",
    "Upsert",
    "UpsertGroup",
    "apply",
    "group_upserts",
    "handovers",
    "is_taken",
    "later_of",
]

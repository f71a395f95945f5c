"""Statements on the products of offers."""

from sqlalchemy import and_, bindparam, delete, insert, literal_column, select

from regulars.domain.relations import BY_NAME
from regulars.store.schema import offer_products, relations
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is

_listed, (_offer,) = keys_of(offer_products.c.offer)
OFFER_PRODUCTS = Statement(
    "offer_products",
    select(offer_products.c.offer, offer_products.c.product).select_from(
        KeyedJoin(_listed, offer_products, and_(site_is(offer_products), offer_products.c.offer == _offer))
    ),
)
"""(offer, product), for a list of offers."""

_listed, (_customer,) = keys_of(relations.c.customer)
_offers = KeyedJoin(
    _listed,
    relations,
    and_(
        site_is(relations),
        relations.c.customer == _customer,
        relations.c.relation == literal_column(str(BY_NAME["offer.granted"].code)),
    ),
)
HELD_OFFER_PRODUCTS = Statement(
    "held_offer_products",
    select(offer_products.c.offer, offer_products.c.product).select_from(
        KeyedJoin(_offers, offer_products, and_(site_is(offer_products), offer_products.c.offer == relations.c.object))
    ),
)
"""(offer, product) of every offer that customers ever had, for a list of customers."""

LINK_PRODUCTS = Statement("link_products", insert(offer_products))
UNLINK_PRODUCTS = Statement(
    "unlink_products",
    delete(offer_products).where(
        site_is(offer_products),
        offer_products.c.offer == bindparam("offer"),
        offer_products.c.product == bindparam("product"),
    ),
)
UNLINK_OFFER = Statement(
    "unlink_offer", delete(offer_products).where(site_is(offer_products), offer_products.c.offer == bindparam("number"))
)
UNLINK_PRODUCT = Statement(
    "unlink_product",
    delete(offer_products).where(site_is(offer_products), offer_products.c.product == bindparam("number")),
)

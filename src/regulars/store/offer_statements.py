"""Statements on the products of offers."""

from sqlalchemy import and_, bindparam, delete, insert, literal_column, select

from regulars.domain.relations import BY_NAME
from regulars.store.schema import offer_products, relations
from regulars.store.statement import KeyedJoin, Statement, keys_of, site_is
from regulars.store.tie_statements import not_fenced

_EXIST = (not_fenced("offer", offer_products.c.offer), not_fenced("product", offer_products.c.product))

_listed, (_offer,) = keys_of(offer_products.c.offer)
OFFER_PRODUCTS = Statement(
    "offer_products",
    select(offer_products.c.offer, offer_products.c.product).select_from(
        KeyedJoin(_listed, offer_products, and_(site_is(offer_products), offer_products.c.offer == _offer, *_EXIST))
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
        KeyedJoin(
            _offers,
            offer_products,
            and_(site_is(offer_products), offer_products.c.offer == relations.c.object, *_EXIST),
        )
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


def _links_of(name: str, column: str) -> Statement:
    """Some links of an offer or a product, as the keys of their rows."""
    return Statement(
        name,
        select(offer_products.c.offer, offer_products.c.product)
        .where(site_is(offer_products), offer_products.c[column] == bindparam("number"))
        .limit(bindparam("count")),
    )


LINKS_OF_OFFER = _links_of("links_of_offer", "offer")
LINKS_OF_PRODUCT = _links_of("links_of_product", "product")

"""What the shop sells. Nothing leaks here: the contrast to look at."""


class Category:
    """A tree with links both ways: cycles, but as many today as yesterday."""

    def __init__(self, name, parent=None):
        self.name = name
        self.parent = parent
        self.children = []
        self.products = []
        if parent is not None:
            parent.children.append(self)

    def path(self):
        return f"{self.parent.path()}/{self.name}" if self.parent else self.name


class Product:
    __slots__ = ("sku", "title", "price", "category")

    def __init__(self, sku, title, price, category):
        self.sku = sku
        self.title = title
        self.price = price
        self.category = category
        category.products.append(self)


def _stock():
    shop = Category("shop")
    products = {}
    for name, titles in (
        ("tea", ("Assam", "Darjeeling", "Keemun", "Sencha")),
        ("coffee", ("Harrar", "Huila", "Sidamo")),
        ("cups", ("Beaker", "Mug", "Tumbler")),
    ):
        category = Category(name, parent=shop)
        for title in titles:
            sku = f"{name}-{title.lower()}"
            products[sku] = Product(sku, title, 4 + len(title), category)
    return shop, products


SHOP, PRODUCTS = _stock()

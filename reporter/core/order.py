"""Texts as integers in the order of the texts: what repeats is compared once, and a million rows are put in order by numbers.

A big table's text columns are categoricals whose categories stand in order (`coded`); a small one's are objects. Both read alike: == isin notna map.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.types import infer_dtype


def coded(values: pd.Series) -> pd.Series:
    """Texts (objects or categoricals), None for missing -> a categorical whose categories stand in order. Raises ValueError for what is no text."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, given = values.cat.codes.to_numpy(), values.cat.categories
        if len(given) and _in_order(given):
            return values
        texts = pa.array(given, type=pa.string())
    else:
        try:
            encoded = pa.array(values, type=pa.string(), from_pandas=True).dictionary_encode()
        except UnicodeEncodeError:
            return _coded_slowly(values)
        codes, texts = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False), encoded.dictionary
    order = pc.sort_indices(texts)
    place = np.empty(len(texts), dtype=np.int32)
    place[order.to_numpy()] = np.arange(len(texts), dtype=np.int32)
    return of_codes(looked_up(place, codes, -1), pd.Index(texts.take(order).to_pandas(), dtype="str"), values.index)


def _coded_slowly(values: pd.Series) -> pd.Series:
    """The same for texts that UTF-8 cannot hold (half a character, as JSON may have it)."""
    codes, distinct = pd.factorize(values)
    order = sorted(range(len(distinct)), key=distinct.__getitem__)
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return of_codes(looked_up(place, codes, -1), pd.Index(distinct[order], dtype="object"), values.index)


def coded_of_arrow(values: pa.ChunkedArray) -> pd.Series:
    """The same for texts that hardly repeat, straight from Arrow: millions of them are put in order, and none is held as an object."""
    order = pc.sort_indices(values).to_numpy()[: len(values) - values.null_count]  # missing ones come last
    texts = values.take(pa.array(order))
    new = np.ones(len(texts), dtype=bool)
    new[1:] = pc.not_equal(texts[1:], texts[:-1]).to_numpy()
    codes = np.full(len(values), -1, dtype=np.int32)
    codes[order] = np.cumsum(new, dtype=np.int32) - 1
    return of_codes(codes, pd.Index((texts if new.all() else texts.filter(pa.array(new))).to_pandas(), dtype="str"))


def of_codes(codes: np.ndarray, texts: pd.Index, index: Any = None) -> pd.Series:
    """Codes into texts that stand in order, each once, -1 for missing -> a categorical."""
    _KNOWN[id(texts)] = texts
    dtype = pd.CategoricalDtype._from_fastpath(texts)  # noqa: SLF001  # the public way makes an object of each text to see whether any occurs twice
    return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype, validate=False), index=index, copy=False)


def _in_order(texts: pd.Index) -> bool:
    return _KNOWN.get(id(texts)) is texts or texts.is_monotonic_increasing


_KNOWN: WeakValueDictionary[int, pd.Index] = WeakValueDictionary()
"""Lists of texts that are known to stand in order, by identity: pandas would make an object of each text to find out."""


def looked_up(values: np.ndarray, codes: np.ndarray, missing: Any) -> np.ndarray:
    """values[codes], and `missing` where the code is -1."""
    more = np.empty(len(values) + 1, dtype=values.dtype)
    more[:-1], more[-1] = values, missing
    return np.asarray(more[codes])


def rows_of(values: pd.Series, at: np.ndarray) -> pd.Series:
    """The rows at these positions, numbered from 0."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return of_codes(values.cat.codes.to_numpy()[at], values.cat.categories)
    return pd.Series(values.array[at], copy=False)


def shared(*columns: pd.Series) -> tuple[list[np.ndarray], pd.Index]:
    """Text columns -> codes of each, -1 for missing, into one list of texts that stands in order."""
    parts = [coded(column) for column in columns]
    texts = parts[0].cat.categories
    for part in parts[1:]:
        texts = texts.union(part.cat.categories) if len(part.cat.categories) else texts
    return [places(texts, part) for part in parts], texts


def places(texts: pd.Index, values: pd.Series) -> np.ndarray:
    """Where each text stands among these; -1: it does not, or is missing."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, distinct = values.cat.codes.to_numpy(), values.cat.categories
        if distinct is texts:
            return np.asarray(codes)
    else:
        codes, distinct = pd.factorize(values)
    return looked_up(texts.get_indexer(pd.Index(distinct)).astype(np.int32), codes, -1)


def ranks(values: pd.Series) -> np.ndarray:
    """Integers in the order of the values' texts; missing ones count as the empty text."""
    if values.dtype == object and infer_dtype(values, skipna=True) == "string":
        values = coded(values)
    if isinstance(values.dtype, pd.CategoricalDtype) and _in_order(values.cat.categories):
        codes = values.cat.codes.to_numpy()
        return np.maximum(codes, 0) if "" in values.cat.categories[:1] else np.asarray(codes)
    codes, distinct = pd.factorize(values)
    texts = pd.concat([pd.Series(distinct).astype("string").fillna(""), pd.Series([""], dtype="string")])
    return np.asarray(pd.factorize(texts, sort=True)[0][codes])  # the last rank is that of missing values, whose code is -1


def in_order_of(values: pd.Series) -> np.ndarray:
    """Positions of a categorical's rows in the order of its texts; equal ones as they come."""
    codes, count = values.cat.codes.to_numpy(), len(values.cat.categories)
    if len(codes) == count and (not count or codes.min() >= 0):
        order = np.full(count, -1, dtype=np.int64)
        order[codes] = np.arange(count)
        if not count or order.min() >= 0:
            return order  # each occurs once: its code is its place
    return np.argsort(codes, kind="stable")


def packed(keys: Sequence[np.ndarray]) -> np.ndarray:
    """Columns of whole numbers or flags -> one number for each row, in the order of the first column, then the second and so on."""
    bounds = [(int(key.min()), int(key.max())) if len(key) else (0, 0) for key in keys]
    size = prod(high - low + 1 for low, high in bounds)
    if size >= 1 << 63:  # numbers of the rows that there are
        return np.asarray(np.unique(np.stack(list(keys)), axis=1, return_inverse=True)[1].reshape(-1))
    kind: Any = np.uint32 if size < 1 << 32 else np.int64
    whole: np.ndarray = np.zeros(len(keys[0]), dtype=kind)
    for key, (low, high) in zip(keys, bounds, strict=True):
        whole *= kind(high - low + 1)
        whole += (key.astype(np.int64) - low).astype(kind) if low else key.astype(kind)
    return whole


def ordered(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of whole numbers from 0 in their order, equal ones as they come; and where in that order each different one begins."""
    bits = len(values).bit_length()
    if len(values) and int(values.max()) < 1 << (63 - bits):
        order = values.astype(np.int64)
        order <<= bits
        order |= np.arange(len(values))  # numbers are sorted faster than positions
        order.sort()
        found = order >> bits
        order &= (1 << bits) - 1
    else:
        order = np.argsort(values, kind="stable")
        found = values[order]
    return order, np.flatnonzero(np.append(True, found[1:] != found[:-1])[: len(found)])


def plain(values: pd.Series) -> pd.Series:
    """A categorical -> its texts as objects, None for missing; other columns as they are."""
    if not isinstance(values.dtype, pd.CategoricalDtype):
        return values
    codes, texts = values.cat.codes.to_numpy(), values.cat.categories
    if len(codes) < len(texts):  # a few rows of a big table
        used, codes = np.unique(codes, return_inverse=True)
        codes, texts = np.where(used[codes] < 0, -1, codes - int((used < 0).any())), texts[used[used >= 0]]
    return pd.Series(looked_up(texts.to_numpy(dtype=object), codes, None), index=values.index, dtype="object")


def plain_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with objects in place of categoricals: for those who put texts together row by row."""
    if not any(isinstance(dtype, pd.CategoricalDtype) for dtype in frame.dtypes):
        return frame
    return pd.DataFrame({name: plain(frame[name]) for name in frame.columns}, copy=False)

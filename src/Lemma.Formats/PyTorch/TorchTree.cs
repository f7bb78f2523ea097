using System.Globalization;

namespace Lemma.Formats;

/// <summary>The tensors among the values of a pickle, with names that say where they stand.</summary>
internal sealed class TorchTree
{
    private const int MostDepth = 64, MostVisits = 1 << 21, LongestName = 1 << 12, MostLetters = 1 << 26;
    private const string NameOfOne = "tensor";
    private readonly MappedFile file;
    private readonly List<TensorEntry> entries = [];
    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private readonly HashSet<object> around = new(ReferenceEqualityComparer.Instance);
    private int visits, letters;

    private TorchTree(MappedFile file) => this.file = file;

    /// <summary>All tensors, in their order; one that stands alone is called <c>tensor</c>.</summary>
    public static List<TensorEntry> Collect(object? root, MappedFile file)
    {
        TorchTree tree = new(file);
        tree.Visit(root, "");
        return tree.entries;
    }

    private void Visit(object? value, string name)
    {
        if (++visits > MostVisits)
            throw new InvalidDataException($"there must be at most {MostVisits} values, but there are more");
        if (value is TorchTensor tensor)
        {
            Add(tensor, name.Length == 0 ? NameOfOne : name);
            return;
        }
        if (value is not (PickleDictionary or List<object?> or object?[] { Length: > 0 }))
            return;
        if (!around.Add(value) || around.Count > MostDepth)
            throw new InvalidDataException($"'{name}' stands in itself or in more than {MostDepth} others");
        if (value is PickleDictionary dictionary)
            foreach ((string key, object? member) in dictionary.Members)
                Visit(member, Join(name, key));
        else
            for (int i = 0; i < ((IReadOnlyList<object?>)value).Count; i++)
                Visit(((IReadOnlyList<object?>)value)[i], Join(name, i.ToString(CultureInfo.InvariantCulture)));
        around.Remove(value);
    }

    // Short keys in one another make names that are longer than the file.
    private static string Join(string outer, string inner) => outer.Length + inner.Length > LongestName
        ? throw new InvalidDataException($"a name must have at most {LongestName} letters, but one has {outer.Length + 1 + inner.Length}")
        : outer.Length == 0 ? inner : $"{outer}.{inner}";

    private void Add(TorchTensor tensor, string name)
    {
        if ((letters += name.Length) > MostLetters)
            throw new InvalidDataException($"the names of tensors must have at most {MostLetters} letters together, but have more");
        if (!names.Add(name))
            throw new InvalidDataException($"the tensor '{name}' stands twice");
        long size = ElementTypes.BytesOf(tensor.Storage.Element)!.Value, count = tensor.Sizes.Aggregate(1L, (product, length) => product * length);
        entries.Add(new TensorEntry(name, tensor.Storage.Element, tensor.Sizes, file, tensor.Storage.Begin + tensor.Offset * size, count * size)
        {
            Strides = tensor.IsContiguous ? null : tensor.Strides,
        });
    }
}

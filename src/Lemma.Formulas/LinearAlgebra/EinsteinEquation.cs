namespace Lemma.Formulas;

/// <summary>
/// An equation such as bij,bjk-&gt;bik read against the shapes of its operands, as a product of matrices: each index belongs to one of the
/// groups below, and a group's places are addresses in each operand.
/// </summary>
/// <remarks>
/// Indices of both operands and the result are a batch, of the first and the result rows, of the second and the result columns, of both
/// operands alone the inner index; those of one operand alone are summed before. A missing second operand is the number 1.
/// </remarks>
internal sealed class EinsteinEquation
{
    private readonly Dictionary<char, int> sizes = [];

    public EinsteinEquation(string equation, ReadOnlySpan<int> shapeA, ReadOnlySpan<int> shapeB)
    {
        string[] sides = equation.Split("->");
        string[] terms = sides[0].Split(',');
        Check.That(sides.Length == 2 && terms.Length is 1 or 2, "einsum",
            $"the equation {equation} must have one or two terms and one arrow");
        string a = terms[0], b = terms.Length == 2 ? terms[1] : "", c = sides[1];
        HasTwo = terms.Length == 2;
        int[] inA = ReadTerm(a, shapeA), inB = ReadTerm(b, shapeB);
        for (int axis = 0; axis < c.Length; axis++)
        {
            Check.That(sizes.ContainsKey(c[axis]) && c.LastIndexOf(c[axis]) == axis, "einsum",
                $"the index {c[axis]} after the arrow must stand before it, and once after it");
        }
        Shape = [.. c.Select(index => sizes[index])];
        CountA = Count(shapeA);
        CountB = Count(shapeB);
        CountC = Count(Shape);
        IsEmpty = sizes.ContainsValue(0);
        if (IsEmpty)
            sizes.Keys.ToList().ForEach(index => sizes[index] = 0);
        int[] inC = Strides(c, Shape);
        string batch = Group(index => a.Contains(index) && b.Contains(index) && c.Contains(index));
        string rows = Group(index => a.Contains(index) && !b.Contains(index) && c.Contains(index));
        string columns = Group(index => !a.Contains(index) && b.Contains(index) && c.Contains(index));
        string inner = Group(index => a.Contains(index) && b.Contains(index) && !c.Contains(index));
        A = new Operand(Places(batch, a, inA), Places(rows, a, inA), Places(inner, a, inA),
            Places(Group(index => a.Contains(index) && !b.Contains(index) && !c.Contains(index)), a, inA));
        B = new Operand(Places(batch, b, inB), Places(inner, b, inB), Places(columns, b, inB),
            Places(Group(index => !a.Contains(index) && b.Contains(index) && !c.Contains(index)), b, inB));
        C = new Operand(Places(batch, c, inC), Places(rows, c, inC), Places(columns, c, inC), [0]);
    }

    /// <summary>An operand's addresses as matrices [batch, rows, columns]; an element is the sum over <paramref name="Alone"/>.</summary>
    public sealed record Operand(int[] Batch, int[] Rows, int[] Columns, int[] Alone)
    {
        /// <summary>Elements of the matrices.</summary>
        public int Count => Batch.Length * Rows.Length * Columns.Length;
    }

    public bool HasTwo { get; }

    /// <summary>The shape of the result.</summary>
    public int[] Shape { get; }

    public int CountA { get; }

    public int CountB { get; }

    public int CountC { get; }

    /// <summary>Whether an index has no values, so that there is nothing to multiply.</summary>
    public bool IsEmpty { get; }

    public Operand A { get; }

    public Operand B { get; }

    public Operand C { get; }

    private int[] ReadTerm(string term, ReadOnlySpan<int> shape)
    {
        Check.That(term.Length == shape.Length, "einsum", $"the term {term} does not fit the shape {Values.Describe(shape.ToArray())}");
        for (int axis = 0; axis < term.Length; axis++)
        {
            if (!sizes.TryAdd(term[axis], shape[axis]))
            {
                Check.That(sizes[term[axis]] == shape[axis], "einsum",
                    $"the index {term[axis]} has the sizes {sizes[term[axis]]} and {shape[axis]}");
            }
        }
        return Strides(term, shape);
    }

    private static int Count(ReadOnlySpan<int> shape)
    {
        double count = 1;
        foreach (int size in shape)
            count = size < 0 ? double.NaN : count * size;
        Check.That(count <= Array.MaxLength, "einsum",
            $"the shape {Values.Describe(shape.ToArray())} must have sizes from 0 and at most {Array.MaxLength} numbers");
        return (int)count;
    }

    private static int[] Strides(string term, ReadOnlySpan<int> shape)
    {
        int[] strides = new int[term.Length];
        for (int axis = term.Length - 1, stride = 1; axis >= 0; stride *= shape[axis--])
            strides[axis] = stride;
        return strides;
    }

    private string Group(Func<char, bool> belongs) => string.Concat(sizes.Keys.Where(belongs).Order());

    // The address of every combination of a group's indices; one that stands twice in a term walks its diagonal: its strides add.
    private int[] Places(string group, string term, int[] strides)
    {
        int[] places = [0];
        foreach (char index in group)
        {
            int stride = 0, size = sizes[index];
            for (int axis = 0; axis < term.Length; axis++)
                stride += term[axis] == index ? strides[axis] : 0;
            int[] more = new int[places.Length * size];
            for (int i = 0; i < more.Length; i++)
                more[i] = places[i / size] + i % size * stride;
            places = more;
        }
        return places;
    }
}

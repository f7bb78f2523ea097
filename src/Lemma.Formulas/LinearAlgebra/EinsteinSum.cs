namespace Lemma.Formulas;

/// <summary>C_{out} = Σ over indices not in out of Π_t A_t.</summary>
/// <remarks>
/// a, and b if there are two: any shapes; C: by the indices after the arrow; equation: such as ij,jk->ik; an index of two sizes, or one
/// after the arrow that stands nowhere before it, is an error. Einstein 1916, section 5.
/// </remarks>
public static class EinsteinSum
{
    /// <summary>The entry of the index.</summary>
    public static Formula Definition { get; } = new()
    {
        Name = "einsum",
        Group = "Linear algebra",
        Text = "C_{out} = Σ over indices not in out of Π_t A_t",
        Shapes = "a, and b if there are two: any shapes; C: by the indices after the arrow",
        Symbols = "equation: such as ij,jk->ik; an index of two sizes, or one after the arrow that stands nowhere before it, is an error",
        Source = "Einstein 1916, section 5",
        Gradient = "dA_t: the einsum of dC and the others, into the indices of A_t",
        Notes = "i,i-> is a dot product, ik,kj->ij a product, i,j->ij an outer product, ij->ji a transpose, abc-> a sum.",
        Example = "a[3,4] b[4,5] equation=ij,jk->ik",
        Evaluate = Evaluate,
    };

    /// <summary>An equation read against shapes: each operand's stride of each index, and the sizes.</summary>
    private sealed record Plan(string Indices, int[] Sizes, int[][] Strides, int Kept, int[] Shape);

    /// <summary>C, its shape and the gradients' addresses follow from the equation alone.</summary>
    private static Plan Read(FormulaCall call, string equation, int[][] shapes)
    {
        string[] sides = equation.Split("->"), terms = sides[0].Split(',');
        if (sides.Length != 2 || terms.Length != shapes.Length)
            throw call.Error($"the equation {equation} must have {shapes.Length} terms and one arrow");
        Dictionary<char, int> sizes = [];
        for (int t = 0; t < terms.Length; t++)
        {
            if (terms[t].Length != shapes[t].Length)
                throw call.Error($"the term {terms[t]} does not fit the shape {Values.Describe(shapes[t])}");
            for (int axis = 0; axis < terms[t].Length; axis++)
            {
                if (!sizes.TryAdd(terms[t][axis], shapes[t][axis]) && sizes[terms[t][axis]] != shapes[t][axis])
                    throw call.Error($"the index {terms[t][axis]} has the sizes {sizes[terms[t][axis]]} and {shapes[t][axis]}");
            }
        }
        foreach (char index in sides[1])
        {
            if (!sizes.ContainsKey(index) || sides[1].Count(other => other == index) > 1)
                throw call.Error($"the index {index} after the arrow must stand before it, and once after it");
        }
        string indices = sides[1] + string.Concat(sizes.Keys.Where(index => !sides[1].Contains(index, StringComparison.Ordinal)));
        int[] shape = [.. sides[1].Select(index => sizes[index])];
        int[][] strides = [Strides(sides[1], shape, indices), .. terms.Select((term, t) => Strides(term, shapes[t], indices))];
        return new Plan(indices, [.. indices.Select(index => sizes[index])], strides, sides[1].Length, shape);
    }

    // An index that stands twice in a term walks its diagonal: its strides add.
    private static int[] Strides(string term, int[] shape, string indices)
    {
        int[] strides = new int[indices.Length];
        int stride = 1;
        for (int axis = term.Length - 1; axis >= 0; axis--)
        {
            strides[indices.IndexOf(term[axis], StringComparison.Ordinal)] += stride;
            stride *= shape[axis];
        }
        return strides;
    }

    /// <summary>Walks every combination of indices: the address in C and in each operand.</summary>
    private static void Walk(Plan plan, Action<int[]> visit)
    {
        int[] place = new int[plan.Indices.Length], at = new int[plan.Strides.Length];
        if (plan.Sizes.Contains(0))
            return;
        while (true)
        {
            visit(at);
            int axis = place.Length - 1;
            for (; axis >= 0; axis--)
            {
                int step = ++place[axis] < plan.Sizes[axis] ? 1 : 1 - plan.Sizes[axis];
                for (int t = 0; t < at.Length; t++)
                    at[t] += step * plan.Strides[t][axis];
                if (step == 1)
                    break;
                place[axis] = 0;
            }
            if (axis < 0)
                return;
        }
    }

    private static Values Evaluate(FormulaCall call)
    {
        Values[] operands = call.Has("b") ? [call["a"], call["b"]] : [call["a"]];
        Plan plan = Read(call, call.Word("equation"), [.. operands.Select(operand => operand.Shape)]);
        double[] sums = new double[plan.Shape.Aggregate(1, (count, size) => count * size)];
        float[] a = operands[0].Data, b = operands[^1].Data;
        bool two = operands.Length == 2;
        Walk(plan, at => sums[at[0]] += two ? (double)a[at[1]] * b[at[2]] : a[at[1]]);
        Values y = new(plan.Shape, [.. sums.Select(sum => (float)sum)]);
        if (call.Backward(y, out float[]? dy))
        {
            double[] da = new double[a.Length], db = new double[b.Length];
            Walk(plan, at =>
            {
                da[at[1]] += two ? (double)dy[at[0]] * b[at[2]] : dy[at[0]];
                if (two)
                    db[at[2]] += (double)dy[at[0]] * a[at[1]];
            });
            Lanes.AddScaled(da, 1, call.Gradient("a"));
            if (two)
                Lanes.AddScaled(db, 1, call.Gradient("b"));
        }
        return y;
    }
}

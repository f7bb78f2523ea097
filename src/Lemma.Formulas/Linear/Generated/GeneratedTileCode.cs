namespace Lemma.Formulas;

/// <summary>
/// Machine code of 12 × 32 tiles: f(k, a, b, c, bytes from a row of C to the next, <see cref="Into"/>), all of them 64-bit words.
/// </summary>
internal static class GeneratedTileCode
{
    // Vectors that a function may change on every system: 0 to 5 and 16 to 31. The lower quarters of the others are kept on Windows.
    private const int Free = 22;

    private const int Left = 0, Right = 1, Single = 2, Sums = 3;

    private const Register Steps = Register.R10, A = Register.R11, B = Register.Rdx, C = Register.Rcx, Stride = Register.R8,
        Mode = Register.R9, OldC = Register.Rax;

    /// <summary>Writes the tile for that many rows, with Windows' calling convention or System V's, and returns its place.</summary>
    public static int Write(MachineCode code, int rows, bool windows)
    {
        int kept = windows ? Math.Max(0, Sums + 2 * rows - Free) : 0;
        int start = code.Align();
        TakeArguments(code, windows);
        if (kept > 0)
            code.Add(Register.Rsp, -16 * kept);
        for (int i = 0; i < kept; i++)
            code.StoreQuarter(Vector(Free + i), Register.Rsp, 16 * i);
        for (int i = 0; i < 2 * rows; i++)
            code.Clear(Vector(Sums + i));
        int fresh = JumpUnless(code, Into.Continue);
        Old(code, rows, code.Load);
        code.Land(fresh);
        code.Test(Steps);
        int empty = code.JumpIfZero();
        int loop = code.Align();
        code.Load(Vector(Left), B);
        code.Load(Vector(Right), B, 64);
        for (int row = 0; row < rows; row++)
        {
            code.Broadcast(Vector(Single), A, sizeof(float) * row);
            code.Fused(Vector(Sums + 2 * row), Vector(Single), Vector(Left));
            code.Fused(Vector(Sums + 2 * row + 1), Vector(Single), Vector(Right));
        }
        code.Add(A, sizeof(float) * Tile512.Rows);
        code.Add(B, sizeof(float) * Tile512.Columns);
        code.Add(Steps, -1);
        code.JumpBackUnlessZero(loop);
        code.Land(empty);
        int done = JumpUnless(code, Into.Add);
        Old(code, rows, code.Add);
        code.Land(done);
        Store(code, rows);
        code.ClearUpper();
        for (int i = 0; i < kept; i++)
            code.LoadQuarter(Vector(Free + i), Register.Rsp, 16 * i);
        if (kept > 0)
            code.Add(Register.Rsp, 16 * kept);
        code.Return();
        return start;
    }

    private static void TakeArguments(MachineCode code, bool windows)
    {
        if (windows)
        {
            code.Move(Steps, Register.Rcx);
            code.Move(A, Register.Rdx);
            code.Move(B, Register.R8);
            code.Move(C, Register.R9);
            code.MoveFromStack(Stride, 40);
            code.MoveFromStack(Mode, 48);
        }
        else
        {
            code.Move(Steps, Register.Rdi);
            code.Move(A, Register.Rsi);
        }
    }

    private static int JumpUnless(MachineCode code, Into mode)
    {
        code.Move(OldC, Mode);
        code.Add(OldC, -(int)mode);
        return code.JumpUnlessZero();
    }

    // Of all rows before any is stored, as in the compiled tile.
    private static void Old(MachineCode code, int rows, Action<int, Register, int> take)
    {
        code.Move(OldC, C);
        for (int row = 0; row < rows; row++)
        {
            take(Vector(Sums + 2 * row), OldC, 0);
            take(Vector(Sums + 2 * row + 1), OldC, 64);
            code.Add(OldC, Stride);
        }
    }

    private static void Store(MachineCode code, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            code.Store(Vector(Sums + 2 * row), C);
            code.Store(Vector(Sums + 2 * row + 1), C, 64);
            code.Add(C, Stride);
        }
    }

    private static int Vector(int i) => i < 6 ? i : i < Free ? i + 10 : i - 16;
}

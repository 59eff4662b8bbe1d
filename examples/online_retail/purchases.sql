SELECT CustomerID AS person,
       'purchase' AS event,
       InvoiceDate AS time,
       InvoiceNo AS order_id,
       StockCode AS product_id,
       Description AS product,
       Quantity AS quantity,
       UnitPrice AS price,
       Quantity * UnitPrice AS revenue,
       Country AS country
FROM input
WHERE CustomerID IS NOT NULL AND NOT starts_with(CAST(InvoiceNo AS VARCHAR), 'C')
  AND Quantity > 0 AND UnitPrice > 0
